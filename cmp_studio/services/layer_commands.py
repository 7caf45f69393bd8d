"""Commands on layers, masks and the background. Each is one undo step."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, get_args

from PySide6.QtCore import QObject, Signal

from cmp_studio.document.errors import DocumentError, MaskError, PictureError
from cmp_studio.document.groups import Group
from cmp_studio.document.masks import Mask, inverted, mask_from_bytes
from cmp_studio.document.scene import HoleFill, Picture, Scene, picture_from_bytes
from cmp_studio.document.scene_edits import (
    LayerMove,
    add_group,
    layer_order,
    moved_layers,
    remove_group,
    replace_group,
    set_fill,
    set_group,
    set_layer_order,
)
from cmp_studio.services.background import Background
from cmp_studio.services.brush import FREEZE, Brush, mask_of, with_mask
from cmp_studio.services.session import PALETTE_SIZE, Session
from cmp_studio.services.translation import Words, mark, tr
from cmp_studio.services.wording import sentence_of

FILL_NAMES: Final[Words[HoleFill]] = Words(
    {
        "stretch": mark("Stretch the edges"),
        "inpaint": mark("Paint the background in"),
        "plate": mark("A picture"),
    }
)
FILL_HINTS: Final[Words[HoleFill]] = Words(
    {
        "stretch": mark("What is beside a hole is drawn over it."),
        "inpaint": mark("Holes are painted from their surroundings."),
        "plate": mark("Holes show a picture of the same size."),
    }
)
LAYER_MOVES: Final[Words[LayerMove]] = Words(
    {
        "front": mark("Bring layer to front"),
        "forward": mark("Bring layer forward"),
        "backward": mark("Send layer backward"),
        "back": mark("Send layer to back"),
    }
)


class LayerCommands(QObject):
    """Changes groups, masks and the background of the open scene.

    Thread: GUI thread; files and masks are worked on in the background.

    Signals:
        warned(sentence): It did not work.
        chosen_changed(): `chosen` may be others.
    """

    warned = Signal(str)
    chosen_changed = Signal()

    def __init__(
        self,
        session: Session,
        brush: Brush,
        background: Background,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._brush = brush
        self._background = background
        self._row: int | None = None
        self._is_row_wanted = False
        session.selection_changed.connect(self.on_selection_changed)

    @property
    def chosen(self) -> frozenset[int]:
        """Ids of the layers to put in front or behind; 0 is the rest of the picture.

        Those of the selected tracks, or the one of the list: what was chosen last.
        """
        if self._session.selection and not self._is_row_wanted:
            return frozenset(track.group for track in self._session.selected_tracks)
        return frozenset() if self._row is None else frozenset({self._row})

    def choose(self, layer: int | None, *, is_wanted: bool = True) -> None:
        """Note which layer the list shows as chosen.

        Args:
            layer: Id of a group, 0 for the rest of the picture, None for neither.
            is_wanted: The user chose it, so it counts before the selected tracks.
        """
        self._row = layer
        self._is_row_wanted = is_wanted or self._is_row_wanted
        self.chosen_changed.emit()

    def can_move(self, move: LayerMove) -> bool:
        """Whether `move` would change the order of the layers."""
        scene = self._session.scene
        if scene is None or not scene.groups:
            return False
        order = layer_order(scene)
        return moved_layers(order, self.chosen, move) != order

    def move(self, move: LayerMove) -> None:
        """Put the chosen layers further to the front or the back."""
        self._session.commit()
        scene = self._session.scene
        if scene is not None and self.can_move(move):
            order = moved_layers(layer_order(scene), self.chosen, move)
            self._session.apply(set_layer_order(scene, order), LAYER_MOVES[move])

    def on_selection_changed(self) -> None:
        """From now on the layers of the selected tracks count."""
        self._is_row_wanted = False
        self.chosen_changed.emit()

    def new_group(self) -> None:
        """Add a group in front of all, with the selected tracks in it, and paint its mask next."""
        session = self._session
        session.commit()
        scene = session.scene
        if scene is None:
            return
        taken = {group.name for group in scene.groups}
        number = next(n for n in range(1, len(taken) + 2) if f"Layer {n}" not in taken)
        group = Group(
            name=tr("Layer {number}").format(number=number),
            color=(len(scene.groups) + 2) % PALETTE_SIZE,
        )
        try:
            changed = add_group(scene, group, track_ids=session.selection)
        except DocumentError as error:
            self.warned.emit(sentence_of(error))
            return
        session.apply(changed, tr("New layer"))
        self._brush.set_target(changed.groups[-1].id)

    def ungroup(self) -> None:
        """Let the selected tracks move the rest of the picture."""
        session = self._session
        session.commit()
        if session.scene is not None and session.selection:
            session.apply(set_group(session.scene, session.selection, 0), tr("Leave layer"))

    def remove(self, group_id: int) -> None:
        """Remove a group; its tracks move the rest of the picture."""
        self._session.commit()
        scene = self._session.scene
        if scene is not None:
            self._session.apply(remove_group(scene, group_id), tr("Remove layer"))

    def rename(self, group_id: int, name: str) -> None:
        """Give a group a name."""
        scene = self._session.scene
        if scene is not None and group_id > 0 and scene.group(group_id).name != name:
            group = replace(scene.group(group_id), name=name)
            self._session.apply(replace_group(scene, group), tr("Rename layer"))

    def switch(self, group_id: int, *, is_on: bool) -> None:
        """Let a group take part, or not."""
        scene = self._session.scene
        if scene is not None:
            group = replace(scene.group(group_id), is_on=is_on)
            verb = tr("Switch on") if is_on else tr("Switch off")
            self._session.apply(replace_group(scene, group), tr("{verb} layer").format(verb=verb))

    def set_feather(self, target: int, feather: float) -> None:
        """Soften the edge of a mask, px; quick changes are one step."""
        scene = self._session.scene
        mask = None if scene is None or target < 0 else mask_of(scene, target)
        if scene is not None and mask is not None:
            changed = with_mask(scene, target, replace(mask, feather=feather))
            self._session.adjust(changed, tr("Change feather"), key=f"feather {target}")

    def clear_mask(self, target: int) -> None:
        """Remove a mask."""
        scene = self._session.scene
        if scene is not None and target >= 0:
            self._session.apply(with_mask(scene, target, None), tr("Clear mask"))

    def invert(self, target: int) -> None:
        """Swap inside and outside of a mask."""
        scene = self._session.scene
        mask = None if scene is None or target < 0 else mask_of(scene, target)
        if mask is not None:
            self._submit(_Invert(target, mask))

    def load_mask(self, target: int, path: Path) -> None:
        """Take a mask from a picture file: white is inside."""
        self._submit(_LoadMask(target, path))

    def set_fill(self, value: str) -> None:
        """Show something else in holes."""
        scene = self._session.scene
        for fill in get_args(HoleFill):
            if scene is not None and fill == value:
                self._session.apply(set_fill(scene, fill), tr("Change background"))

    def load_plate(self, path: Path) -> None:
        """Show a picture in holes."""
        self._submit(_LoadPlate(path))

    def on_done(self, answer: object) -> None:
        """Put what came into the scene."""
        scene = self._session.scene
        if scene is None:
            return
        try:
            if isinstance(answer, _NewMask) and is_there(scene, answer.target):
                self._session.commit()
                changed = with_mask(scene, answer.target, answer.mask)
                self._session.apply(changed, answer.label)
            elif isinstance(answer, Picture):
                self._session.commit()
                self._session.apply(set_fill(scene, "plate", plate=answer), tr("Choose background"))
        except DocumentError as error:
            self.warned.emit(sentence_of(error))

    def on_failed(self, error: object) -> None:
        """Say what did not work."""
        if isinstance(error, BaseException):
            self.warned.emit(sentence_of(error))

    def _submit(self, work: _Invert | _LoadMask | _LoadPlate) -> None:
        self._background.submit(work, done=self.on_done, failed=self.on_failed)


@dataclass(frozen=True, slots=True)
class _NewMask:
    target: int
    mask: Mask
    label: str


@dataclass(frozen=True, slots=True)
class _Invert:
    target: int
    mask: Mask

    def __call__(self) -> _NewMask:
        return _NewMask(self.target, inverted(self.mask), tr("Invert mask"))


@dataclass(frozen=True, slots=True)
class _LoadMask:
    target: int
    path: Path

    def __call__(self) -> _NewMask:
        try:
            data = self.path.read_bytes()
        except OSError as error:
            raise MaskError(
                tr("{name} can't be opened: {reason}.").format(
                    name=self.path.name, reason=error.strerror
                )
            ) from error
        return _NewMask(self.target, mask_from_bytes(data, self.path.name), tr("Load mask"))


@dataclass(frozen=True, slots=True)
class _LoadPlate:
    path: Path

    def __call__(self) -> Picture:
        try:
            data = self.path.read_bytes()
        except OSError as error:
            raise PictureError(
                tr("{name} can't be opened: {reason}.").format(
                    name=self.path.name, reason=error.strerror
                )
            ) from error
        return picture_from_bytes(data, self.path.name)


def is_there(scene: Scene, target: int) -> bool:
    """Whether a target of the brush is in the scene."""
    return target == FREEZE or any(group.id == target for group in scene.groups)
