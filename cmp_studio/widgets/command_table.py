"""Every command of the window: its words, its keys and its place in the menus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cmp_studio.services.modes import ANIMATE
from cmp_studio.services.shortcuts import ALL_MODES
from cmp_studio.services.translation import tr


@dataclass(frozen=True, slots=True)
class Command:
    """One command.

    Attributes:
        name: How the code calls it.
        text: In the menu; an ampersand marks the letter for the keyboard.
        keys: Shortcuts out of the box, the first is shown.
        icon: Name of its icon, or empty.
        hint: More words for the tool tip, or empty.
        is_checkable: Whether it is on or off.
        group: Commands of the same group exclude each other.
        needs: What has to be there: nothing, an open "scene", some "tracks", a "selection", or
            a "moving" track, a "path" or a "take" among the selected ones, or a layer that can go
            "forward", "backward", to the "front" or the "back".
        mode: The mode that it belongs to, or "all" for those that each mode carries out in its own
            way; empty means Animate for what needs something, and all for the rest.
    """

    name: str
    text: str
    keys: tuple[str, ...] = ()
    icon: str = ""
    hint: str = ""
    is_checkable: bool = False
    group: str = ""
    needs: str = ""
    mode: str = ""

    @property
    def scope(self) -> str:
        """The mode in which it can be used and its keys count; "all" for every mode."""
        return self.mode or (ANIMATE if self.needs else ALL_MODES)

    @property
    def title(self) -> str:
        """What the command is called outside of the menus."""
        return self.label.replace("&", "").rstrip("…")

    @property
    def label(self) -> str:
        """`text` in the user's language."""
        return tr(self.text)

    @property
    def tip(self) -> str:
        """`hint` in the user's language."""
        return tr(self.hint) if self.hint else ""


_ANNOTATE: Final = "annotate"

COMMANDS: Final = (
    Command("open", "&Open…", ("Ctrl+O",), "open"),
    Command("save", "&Save scene", ("Ctrl+S",), needs="scene"),
    Command("save_as", "Save scene &as…", ("Ctrl+Shift+S",), needs="scene"),
    Command("export", "&Export film…", ("Ctrl+E",), "export", needs="scene"),
    Command("exports", "E&xports…", ("Ctrl+Shift+E",), hint="Films that are being written"),
    Command("copy_command", "Copy as co&mmand", needs="scene",
            hint="A cmp-studio command line that makes the same film"),
    Command("close", "&Close scene", ("Ctrl+W",), needs="scene"),
    Command("quit", "&Quit", ("Ctrl+Q",)),
    Command("undo", "&Undo", ("Ctrl+Z",), "undo", needs="undo", mode=ALL_MODES),
    Command("redo", "&Redo", ("Ctrl+Shift+Z", "Ctrl+Y"), "redo", needs="redo", mode=ALL_MODES),
    Command("cut", "Cu&t", ("Ctrl+X",), needs="selection"),
    Command("copy", "&Copy", ("Ctrl+C",), needs="selection"),
    Command("paste", "&Paste", ("Ctrl+V",), hint="Copied tracks, or a picture to open"),
    Command("duplicate", "Dup&licate", ("Ctrl+D",), needs="selection"),
    Command("mirror_x", "&Mirror left and right", ("Ctrl+M",), needs="selection"),
    Command("mirror_y", "Mirror up and do&wn", ("Ctrl+Shift+M",), needs="selection"),
    Command("delete", "&Delete", ("Del", "Backspace"), "delete", needs="selection",
            mode=ALL_MODES),
    Command("select_all", "Select &all", ("Ctrl+A",), needs="tracks"),
    Command("remove_all", "Delete all track&s", needs="tracks"),
    Command("shortcuts", "Customise &keys…"),
    Command("tool_select", "&Select", ("V",), "select", "Select and move arrows and pins",
            is_checkable=True, group="tool", needs="scene"),
    Command("tool_arrow", "&Arrow", ("A",), "arrow", "Drag: this spot will go there",
            is_checkable=True, group="tool", needs="scene"),
    Command("tool_pin", "&Pin", ("P",), "pin", "Click: this spot stays where it is",
            is_checkable=True, group="tool", needs="scene"),
    Command("tool_path", "Pat&h", ("L",), "path", "Click from point to point, or draw in one go",
            is_checkable=True, group="tool", needs="scene"),
    Command("tool_brush", "&Freeze brush", ("B",), "brush",
            "Paint what stays still; Shift erases", is_checkable=True, group="tool",
            needs="scene"),
    Command("add_arrow", "Add arro&w in the middle", ("Ctrl+Alt+A",), needs="scene",
            hint="For the keyboard: arrow keys move it, the inspector aims it"),
    Command("add_pin", "Add pi&n in the middle", ("Ctrl+Alt+P",), needs="scene"),
    Command("brush_larger", "Larg&er brush", ("]",), needs="scene"),
    Command("brush_smaller", "S&maller brush", ("[",), needs="scene"),
    Command("smooth", "Smooth or strai&ght path", ("S",), needs="path"),
    Command("take_to_path", "Make a path of the ta&ke", needs="take"),
    Command("split", "Split a &too long arrow", needs="moving",
            hint="In pieces that the network can answer"),
    Command("group", "New &layer from selection", ("Ctrl+G",), needs="selection",
            hint="A part that moves on its own, in front of the rest"),
    Command("ungroup", "&Back to the rest of the photo", ("Ctrl+Shift+G",), needs="selection"),
    Command("layer_front", "Bring layer to &front", ("Ctrl+Shift+PgUp",), needs="front",
            hint="The layer passes in front of all others"),
    Command("layer_forward", "Bring layer f&orward", ("Ctrl+PgUp",), needs="forward",
            hint="The layer of the selected tracks, or the one chosen in the list of layers"),
    Command("layer_backward", "Send layer &backward", ("Ctrl+PgDown",), needs="backward",
            hint="The layer of the selected tracks, or the one chosen in the list of layers"),
    Command("layer_back", "Send layer to b&ack", ("Ctrl+Shift+PgDown",), needs="back",
            hint="The layer passes behind all others"),
    Command("half_speed", "&Record at half speed", is_checkable=True, mode=ANIMATE,
            hint="The film plays slowly while a drag is recorded"),
    Command("range_start", "Play from &here", ("Ctrl+[",), needs="scene"),
    Command("range_end", "Play &up to here", ("Ctrl+]",), needs="scene"),
    Command("range_clear", "Play the &whole film", ("Ctrl+\\",), needs="scene"),
    Command("onion", "&Onion skin", ("O",), is_checkable=True, needs="scene",
            hint="The goal of the motion over the photo, and the outline of what moves"),
    Command("holes", "Show &holes", ("G",), is_checkable=True, needs="scene",
            hint="Where the picture has nothing to show behind what moved away"),
    Command("masks", "Show mas&ks", ("M",), is_checkable=True, needs="scene"),
    Command("layers", "Show &layers", ("Y",), is_checkable=True, mode=ANIMATE),
    Command("history", "Show histor&y", ("U",), is_checkable=True, mode=ANIMATE),
    Command("switch", "Switch &on or off", ("Ctrl+T",), needs="selection"),
    Command("mode_animate", "A&nimate", ("F2",), is_checkable=True, group="mode",
            hint="Drag arrows on a photo and make a film of it"),
    Command("mode_annotate", "Annota&te", ("F3",), is_checkable=True, group="mode",
            hint="Cut out objects with a few clicks, in whole folders of pictures"),
    Command("mode_probe", "Pro&be", ("F4",), is_checkable=True, group="mode",
            hint="Pull at a photo and see what the network believes"),
    Command("view_photo", "&Photo", ("Ctrl+1",), is_checkable=True, group="view", needs="scene"),
    Command("view_motion", "&Motion", ("Ctrl+2",), is_checkable=True, group="view",
            needs="scene"),
    Command("view_flow", "&Flow", ("Ctrl+3",), is_checkable=True, group="view", needs="scene"),
    Command("overlays", "Show &arrows and pins", ("H",), "overlays", is_checkable=True,
            needs="scene"),
    Command("inspector", "Show &inspector", ("I",), "panel", is_checkable=True, mode=ANIMATE),
    Command("timeline", "&Show timeline", ("T",), is_checkable=True, mode=ANIMATE),
    Command("reset_panels", "&Reset panels", mode=ANIMATE),
    Command("fit", "&Whole photo", ("F", "Ctrl+0"), needs="scene"),
    Command("actual_size", "&100 %", ("1",), needs="scene", mode=ALL_MODES),
    Command("zoom_in", "&Zoom in", ("Ctrl++", "Ctrl+=", "+"), needs="scene", mode=ALL_MODES),
    Command("zoom_out", "Zoom o&ut", ("Ctrl+-", "-"), needs="scene", mode=ALL_MODES),
    Command("theme_system", "As the &desktop", is_checkable=True, group="theme"),
    Command("theme_dark", "&Dark", is_checkable=True, group="theme"),
    Command("theme_light", "&Light", is_checkable=True, group="theme"),
    Command("play", "&Play", ("K",), "play", needs="scene"),
    Command("next_frame", "&Next frame", (".",), needs="scene"),
    Command("previous_frame", "Pre&vious frame", (",",), needs="scene"),
    Command("first_frame", "&First frame", ("Home",), needs="scene"),
    Command("last_frame", "&Last frame", ("End",), needs="scene"),
    Command("probe_response", "&One pull", ("Ctrl+1",), is_checkable=True, group="probe",
            mode="probe"),
    Command("probe_rigidity", "&Rigidity", ("Ctrl+2",), is_checkable=True, group="probe",
            mode="probe"),
    Command("probe_motion", "&Shift or rotate", ("Ctrl+3",), is_checkable=True, group="probe",
            mode="probe"),
    Command("probe_saturation", "S&aturation", ("Ctrl+4",), is_checkable=True, group="probe",
            mode="probe"),
    Command("probe_influence", "&Influence", ("Ctrl+5",), is_checkable=True, group="probe",
            mode="probe"),
    Command("probe_parts", "Rigid &parts", ("Ctrl+6",), is_checkable=True, group="probe",
            mode="probe"),
    Command("probe_sufficiency", "&More arrows", ("Ctrl+7",), is_checkable=True, group="probe",
            mode="probe"),
    Command("probe_compare", "A a&gainst B", ("Ctrl+8",), is_checkable=True, group="probe",
            mode="probe"),
    Command("probe_find", "&Find", ("Ctrl+Return",), needs="scene", mode="probe",
            hint="Ask again, or find rigid parts"),
    Command("probe_cancel", "&Cancel", ("Ctrl+.",), needs="waiting", mode="probe"),
    Command("probe_line", "&Line of values", ("L",), is_checkable=True, needs="scene",
            mode="probe", hint="Drag a line: the values along it are plotted"),
    Command("probe_no_line", "Remove t&he line", needs="line", mode="probe"),
    Command("probe_needles", "&Quiver", ("Q",), is_checkable=True, mode="probe",
            hint="The flow as a field of small arrows"),
    Command("probe_lines", "Isoli&nes and outlines", ("I",), is_checkable=True, mode="probe"),
    Command("probe_board", "Pictures side &by side", ("B",), is_checkable=True, mode="probe"),
    Command("probe_snapshot", "&Keep snapshot", ("K",), needs="finding", mode="probe"),
    Command("probe_clear", "Remo&ve all marks", needs="marks", mode="probe"),
    Command("probe_fit", "&Whole photo", ("F", "Ctrl+0"), needs="scene", mode="probe"),
    Command("probe_export", "&Export…", ("Ctrl+E",), needs="finding", mode="probe",
            hint="Picture, flow, arrays, table or report of what is seen"),
    Command("probe_save", "Save e&xperiment…", ("Ctrl+S",), needs="finding", mode="probe",
            hint="A folder with everything, which can be run again"),
    Command("probe_open", "Open experimen&t…", ("Ctrl+Shift+O",), mode="probe",
            hint="Run a saved experiment again, and see whether the numbers are the same"),
    Command("weights", "&Weights…", hint="What answers, what it learned from and how well it does"),
    Command("import_weights", "&Add weights from a file…"),
    Command("fetch_weights", "D&ownload the published weights…"),
    Command("keys", "&Keys and mouse", ("?", "F1")),
    Command("first_steps", "First &steps", mode=ANIMATE),
    Command("about", "&About CMP Studio"),
    Command("annotate_folder", "Open &folder…", ("Ctrl+Shift+O",), "open",
            "Pictures to annotate one after the other", mode=_ANNOTATE),
    Command("annotate_save", "&Save now", ("Ctrl+S",), needs="picture", mode=_ANNOTATE,
            hint="What you mark is saved by itself; this is for peace of mind"),
    Command("annotate_export", "&Export annotations…", ("Ctrl+E",), "export", needs="objects",
            mode=_ANNOTATE, hint="PNG, COCO, labelme and CSV files"),
    Command("annotate_close", "&Close pictures", ("Ctrl+W",), needs="picture", mode=_ANNOTATE),
    Command("annotate_positive", "Click &on the object", (), "positive",
            "Left sets clicks on the object, right beside it (S swaps)", is_checkable=True,
            group="annotate_tool", needs="picture", mode=_ANNOTATE),
    Command("annotate_negative", "Click &beside the object", (), "negative",
            "Left sets clicks beside the object, right on it (S swaps)", is_checkable=True,
            group="annotate_tool", needs="picture", mode=_ANNOTATE),
    Command("annotate_brush", "&Touch up with the brush", ("B",), "brush",
            "Paint what the mask lacks; right button or Shift erases", is_checkable=True,
            group="annotate_tool", needs="picture", mode=_ANNOTATE),
    Command("annotate_swap", "S&wap left and right", ("S",), needs="picture", mode=_ANNOTATE),
    Command("annotate_larger", "&Larger brush", ("]",), needs="picture", mode=_ANNOTATE),
    Command("annotate_smaller", "S&maller brush", ("[",), needs="picture", mode=_ANNOTATE),
    Command("annotate_next_object", "&Next object", ("F",), needs="picture", mode=_ANNOTATE,
            hint="Finishes this one; Enter does the same"),
    Command("annotate_label", "Chan&ge label", ("L",), needs="picture", mode=_ANNOTATE),
    Command("annotate_freeze", "&Hold it still in the film", ("Ctrl+Shift+G",), needs="objects",
            mode=_ANNOTATE, hint="The mask becomes a freeze mask of the film"),
    Command("annotate_layer", "Make a la&yer of it in the film", ("Ctrl+G",), needs="objects",
            mode=_ANNOTATE, hint="The mask becomes a part that moves on its own"),
    Command("annotate_next", "Next &picture", ("D",), "right", needs="next", mode=_ANNOTATE),
    Command("annotate_previous", "Pre&vious picture", ("A",), "left", needs="previous",
            mode=_ANNOTATE),
    Command("annotate_masks", "Show mas&ks and clicks", ("H",), "overlays", is_checkable=True,
            needs="picture", mode=_ANNOTATE),
    Command("annotate_flow", "Show fl&ow behind the mask", ("G",), is_checkable=True,
            needs="picture", mode=_ANNOTATE, hint="What the network answered to each pull"),
    Command("annotate_fit", "&Whole picture", ("Ctrl+0",), needs="picture", mode=_ANNOTATE),
)  # fmt: skip

MENUS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("&File", ("open", "annotate_folder", "@recent", "@samples", "-", "save", "save_as", "-",
               "export", "exports",
               "copy_command", "annotate_save", "annotate_export", "-", "close",
               "annotate_close", "quit")),
    ("&Edit", ("undo", "redo", "-", "cut", "copy", "paste", "duplicate", "delete", "-",
               "mirror_x", "mirror_y", "-", "select_all", "remove_all", "-", "shortcuts")),
    ("&View", ("mode_animate", "mode_annotate", "mode_probe", "-",
               "annotate_masks", "annotate_flow",
               "view_photo", "view_motion", "view_flow", "-", "overlays",
               "masks", "onion", "holes", "-", "inspector", "layers", "history", "timeline",
               "reset_panels", "-",
               "fit", "annotate_fit", "probe_fit", "actual_size", "zoom_in", "zoom_out", "-",
               "@theme")),
    ("&Track", ("tool_select", "tool_arrow", "tool_path", "tool_pin", "tool_brush", "-",
                "add_arrow", "add_pin", "@presets", "-", "switch", "smooth", "take_to_path",
                "split", "-", "group", "ungroup", "@order", "-", "brush_larger", "brush_smaller")),
    ("&Play", ("play", "previous_frame", "next_frame", "first_frame", "last_frame", "-",
               "range_start", "range_end", "range_clear", "@loop", "-", "half_speed")),
    ("&Annotate", ("annotate_positive", "annotate_negative", "annotate_brush", "-",
                   "annotate_swap", "annotate_larger", "annotate_smaller", "-",
                   "annotate_next_object", "annotate_label", "-", "annotate_freeze",
                   "annotate_layer", "-", "annotate_next", "annotate_previous")),
    ("&Probe", ("probe_response", "probe_rigidity", "probe_motion", "probe_saturation",
                "probe_influence", "probe_parts", "probe_sufficiency", "probe_compare", "-",
                "probe_find", "probe_cancel", "probe_clear", "-", "probe_line", "probe_no_line",
                "-", "probe_needles", "probe_lines", "probe_board", "probe_snapshot", "-",
                "probe_open", "probe_save", "probe_export")),
    ("&Weights", ("weights", "-", "@weights", "@device", "-", "import_weights", "fetch_weights")),
    ("&Help", ("keys", "first_steps", "about")),
)  # fmt: skip

SUBMENU_TITLES: Final = {
    "@recent": "Open &recent",
    "@samples": "Open sam&ple",
    "@theme": "Th&eme",
    "@loop": "L&oop",
    "@order": "La&yer order",
    "@presets": "P&resets",
    "@weights": "&Network",
    "@device": "&Device",
}

SUBMENU_COMMANDS: Final[dict[str, tuple[str, ...]]] = {
    "@theme": ("theme_system", "theme_dark", "theme_light"),
    "@order": ("layer_front", "layer_forward", "layer_backward", "layer_back"),
}
"""The commands of those submenus that hold always the same."""

GESTURES: Final = (
    ("Drag", "Draw an arrow; move what is under the mouse"),
    ("Ctrl + drag", "Record the drag while the film plays"),
    ("Double-click", "Set a pin"),
    ("Right-click", "Remove the nearest track or point"),
    ("Enter", "End a path"),
    ("Shift + click", "Add to the selection"),
    ("Arrow keys", "Nudge by 1 px, with Shift by 10"),
    ("Page up, down", "Choose a mark in the timeline"),
    ("Wheel", "Zoom at the mouse"),
    ("Space", "Play or pause; hold and drag to pan"),
    ("Esc", "Cancel a drag, select nothing"),
)
"""What the mouse and the keys that belong to the canvas do."""

ANNOTATE_GESTURES: Final = (
    ("Click", "Set a click on the object"),
    ("Right-click", "Set a click beside it"),
    ("Drag a click", "Move it"),
    ("Press a click", "Remove it"),
    ("Ctrl + click", "Work on the object under the mouse"),
    ("Enter", "Finish the object, begin the next"),
)
"""The same in Annotate."""

PROBE_GESTURES: Final = (
    ("Move", "Pull what is under the mouse, without a click"),
    ("Click", "Probe that place, or add one more"),
    ("Drag", "Pull that way; draw an arrow where arrows are asked"),
    ("Drag a place", "Move it"),
    ("Double-click", "Set a pin, where arrows are asked"),
    ("Right-click", "Remove a place or an arrow"),
    ("Wheel", "Turn the pull; with Shift make it longer"),
    ("Ctrl + wheel", "Zoom at the mouse"),
    ("Arrow keys", "Turn the pull or make it longer"),
    ("Enter", "Find rigid parts"),
    ("Esc", "Cancel"),
)
"""The same in Probe."""


def command(name: str) -> Command:
    """The command of this name."""
    return next(known for known in COMMANDS if known.name == name)


def menu_of(name: str) -> str:
    """Title of the menu that holds a command, for lists; "Other" where none does."""
    place = next((title for title, names in SUBMENU_COMMANDS.items() if name in names), name)
    for title, names in MENUS:
        if place in names:
            return tr(title).replace("&", "")
    return tr("Other")
