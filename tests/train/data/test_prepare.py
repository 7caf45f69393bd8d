import itertools
import os
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
from safetensors.numpy import load_file

from cmp_engine.flow_io import write_flow
from train.data.clips import ClipPairs, center_crop
from train.data.prepare import (
    ClipReport,
    Settings,
    Task,
    find_clips,
    main,
    plan,
    prepare,
    quotas,
)
from train.data.published_list import decode_published_flow, read_list, turn_round
from train.data.shards import Shard
from train.errors import DataError


def texture(seed: int, height: int = 96, width: int = 128) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(0, 255, (height, width, 3), dtype=np.uint8)
    return cv2.GaussianBlur(noise, (0, 0), 2)


def write_clip(folder: Path, name: str, *, frames: int = 14, seed: int = 0) -> Path:
    """A square that moves right by 2 px a frame over a still background."""
    path = folder / f"{name}.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (128, 96))
    square = texture(99, 36, 36)
    for index in range(frames):
        frame = texture(seed)
        frame[30:66, 10 + 2 * index : 46 + 2 * index] = square
        writer.write(frame)
    writer.release()
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pairs of three good clips of two sources, beside a broken clip."""
    videos = tmp_path_factory.mktemp("videos")
    for number, name in enumerate(("one_a", "one_b", "two_a")):
        write_clip(videos, name, seed=number)
    (videos / "bad_a.avi").write_bytes(b"RIFF, but no video")
    out = tmp_path_factory.mktemp("pairs")
    code = main([str(videos), "--out", str(out), "--pairs-per-clip", "4", "--flow-stride", "1"])
    assert code == 0
    return out


def test_prepare_when_run_then_counts_and_names_the_broken(tmp_path: Path, capsys):
    write_clip(tmp_path, "one_a")
    (tmp_path / "bad_a.avi").write_bytes(b"RIFF, but no video")
    out = tmp_path / "pairs"
    assert main([str(tmp_path), "--out", str(out), "--pairs-per-clip", "3"]) == 0
    printed = capsys.readouterr()
    assert '"pairs": 3' in printed.out
    assert "bad_a" in printed.out
    assert "2/2 files, 3 pairs" in printed.err
    assert [p.name for p in out.iterdir()] == ["one_a.safetensors"]


def test_prepare_when_run_again_then_makes_only_what_is_missing(tmp_path: Path):
    clips = [write_clip(tmp_path, name) for name in ("a_1", "a_2")]
    out = tmp_path / "pairs"
    tasks = plan(clips, out, Settings(), each=2)
    assert [report.clip for report in prepare(tasks)] == ["a_1", "a_2"]
    (out / "a_2.safetensors").unlink()
    assert [report.clip for report in prepare(tasks)] == ["a_2"]
    assert list(prepare(tasks)) == []


def test_prepare_when_a_clip_is_still_then_it_is_not_tried_again(tmp_path: Path):
    folder = tmp_path / "still"
    folder.mkdir()
    for index in range(5):
        cv2.imwrite(str(folder / f"{index}.png"), texture(0))
    tasks = plan([folder], tmp_path / "pairs", Settings(), each=2)
    assert [report.written for report in prepare(tasks)] == [0]
    assert list(prepare(tasks)) == []


def test_prepare_when_two_processes_then_the_same_files(tmp_path: Path):
    clips = [write_clip(tmp_path, name, frames=8) for name in ("a_1", "a_2", "b_1")]
    for name, jobs in (("single", 1), ("double", 2)):
        reports = list(prepare(plan(clips, tmp_path / name, Settings(), each=1), jobs=jobs))
        assert sorted(report.written for report in reports) == [1, 1, 1]
    for path in (tmp_path / "single").iterdir():
        one, other = load_file(path), load_file(tmp_path / "double" / path.name)
        assert one.keys() == other.keys()
        for name, tensor in one.items():
            np.testing.assert_array_equal(tensor, other[name])


def test_plan_when_in_a_group_of_processes_then_each_takes_its_part(tmp_path, monkeypatch):
    clips = [tmp_path / f"a_{index}.mp4" for index in range(5)]
    monkeypatch.setenv("WORLD_SIZE", "2")
    parts = []
    for rank in range(2):
        monkeypatch.setenv("RANK", str(rank))
        parts.append({task.path for task in plan(clips, tmp_path, Settings())})
    assert parts[0] | parts[1] == set(clips)
    assert not parts[0] & parts[1]


def test_plan_when_clips_share_a_name_then_their_files_do_not(tmp_path: Path):
    clips = [tmp_path / "x" / "a.mp4", tmp_path / "y" / "a.mp4"]
    targets = {task.target for task in plan(clips, tmp_path, Settings())}
    assert len(targets) == 2


def test_quotas_when_a_source_is_capped_then_it_gets_its_share():
    clips = [Path(f"many_{i}.mp4") for i in range(90)] + [Path(f"few_{i}.mp4") for i in range(10)]
    wanted = quotas(clips, 20, {"many": 0.5})
    many = sum(n for clip, n in wanted.items() if clip.stem.startswith("many"))
    assert many == 180  # two of each; a third would pass one half
    assert quotas(clips, 20, {"many": 3})[clips[0]] == 3
    assert quotas(clips, 20, {})[clips[0]] == 20


@pytest.mark.parametrize("cap", ["droid", "droid=lots", "=0.3x"])
def test_cap_when_malformed_then_says_so(tmp_path: Path, capsys, cap):
    assert main([str(tmp_path), "--out", str(tmp_path / "o"), "--cap", cap]) == 1
    assert "SOURCE=NUMBER" in capsys.readouterr().err


def test_clips_when_a_path_is_missing_or_empty_then_says_so(tmp_path: Path):
    with pytest.raises(DataError, match="is not there"):
        find_clips([tmp_path / "nowhere"])
    with pytest.raises(DataError, match="hold no video"):
        find_clips([tmp_path])


def test_shard_when_read_then_holds_the_motion(folder: Path):
    shard = Shard(folder / "one_a.safetensors")
    assert len(shard) == 4
    for index in range(len(shard)):
        first, second = (int(number) for number in shard.frames[index])
        pair = shard.pair(index)
        assert pair.image.shape == (96, 128, 3)
        left = 10 + 2 * first
        inside = pair.flow[38:58, left + 8 : left + 28]
        # DIS is good to about half a pixel on a picture this small.
        np.testing.assert_allclose(np.median(inside, (0, 1)), [2 * (second - first), 0], atol=0.6)
        assert np.abs(pair.flow[80:, 90:]).mean() < 0.2
        back, _ = shard.flow(index, 1)
        inside = back[38:58, left + 14 : left + 28]
        assert np.median(inside[..., 0]) < -1


def test_shard_when_damaged_then_says_so(tmp_path: Path, folder: Path):
    path = tmp_path / "cut.safetensors"
    path.write_bytes((folder / "one_a.safetensors").read_bytes()[:500])
    with pytest.raises(DataError, match="can't be read as a file of pairs"):
        Shard(path)


def test_batch_when_seeded_alike_then_the_same_and_a_prefix(folder: Path):
    first = ClipPairs(folder, seed=3).batch(6, 10, 48)
    again = ClipPairs(folder, seed=3).batch(6, 10, 48)
    assert first.image.shape == (6, 3, 48, 48)
    assert first.flow.shape == (6, 2, 48, 48)
    assert first.valid.shape == (6, 48, 48)
    assert (first.image == again.image).all()
    assert (first.flow == again.flow).all()
    assert (ClipPairs(folder, seed=3).batch(2, 10, 48).image == first.image[:2]).all()
    assert not (ClipPairs(folder, seed=4).batch(6, 10, 48).image == first.image).all()
    assert not (ClipPairs(folder, seed=3).batch(6, 11, 48).image == first.image).all()


def test_batch_when_many_are_drawn_then_both_directions_and_both_mirrors(folder: Path):
    batch = ClipPairs(folder).batch(48, 0, 64)
    moving = (batch.flow[:, 0].abs() > 1) & batch.valid
    mean = (batch.flow[:, 0] * moving).sum((1, 2))
    assert (mean > 1).any()
    assert (mean < -1).any()


def test_pairs_when_walked_through_then_every_clip_is_there(folder: Path):
    pairs = ClipPairs(folder)
    assert len(pairs) == 12
    assert pairs.counts() == {"one": 8, "two": 4}
    assert [pairs.place(index)[0].clip for index in (0, 4, 11)] == ["one_a", "one_b", "two_a"]
    with pytest.raises(IndexError, match="pairs 0 to 11"):
        pairs.place(12)


def test_fraction_when_smaller_then_its_clips_are_among_those_of_a_larger_one(folder: Path):
    clips = [
        {shard.clip for shard in ClipPairs(folder, fraction=fraction).shards}
        for fraction in (0.1, 0.34, 0.67, 1.0)
    ]

    assert [len(found) for found in clips] == [1, 1, 2, 3]
    assert all(few <= many for few, many in itertools.pairwise(clips))


def test_sources_when_one_has_most_clips_then_it_is_capped():
    from train.data.clips import _shares

    shares = _shares([814, 60, 39, 15, 12, 8, 3])
    assert shares.sum() == pytest.approx(1)
    assert shares.max() <= 0.3 + 1e-9
    assert shares[0] == pytest.approx(0.3)
    assert _shares([5, 1])[1] == pytest.approx(0.5)


def test_pictures_when_taken_then_squares_of_frames(folder: Path):
    pictures = ClipPairs(folder).pictures(5, 64)
    assert pictures.shape == (5, 3, 64, 64)
    assert pictures.float().std() > 5


def test_center_crop_when_enlarged_then_the_flow_grows_with_it(folder: Path):
    pair = ClipPairs(folder).pair(0)
    image, flow, valid = center_crop(pair, 192)
    assert image.shape == (192, 192, 3)
    assert flow.shape == (192, 192, 2)
    assert valid.shape == (192, 192)
    np.testing.assert_allclose(flow[96, 96], 2 * pair.flow[48, 64], atol=0.5)


def test_folder_when_without_pairs_then_says_how_to_make_them(tmp_path: Path):
    with pytest.raises(DataError, match=r"train\.data\.prepare"):
        ClipPairs(tmp_path)


def write_listed(folder: Path) -> np.ndarray:
    """Two pictures of a square that moves by (6, -4), with its flow in both published forms."""
    flow = np.zeros((96, 128, 2), np.float32)
    flow[30:66, 20:56] = (6, -4)
    square = texture(99, 36, 36)
    for index, (top, left) in enumerate(((30, 20), (26, 26))):
        frame = texture(0)
        frame[top : top + 36, left : left + 36] = square
        cv2.imwrite(str(folder / f"{index}.png"), frame)
    write_flow(folder / "flow.flo", flow)
    for axis, name in enumerate("xy"):
        level = np.rint((flow[..., axis] + 50) * 255 / 100).astype(np.uint8)
        cv2.imwrite(str(folder / f"flow_{name}.png"), level)
    return flow


def test_list_when_prepared_then_pairs_hold_the_given_flow(tmp_path: Path):
    truth = write_listed(tmp_path)
    listing = tmp_path / "pairs_train.txt"
    listing.write_text(
        "# a comment\n0.png 1.png flow.flo\n\n"
        "0.png 1.png flow_x.png flow_y.png\n0.png no.png f.flo\n"
    )
    tasks = plan([listing], tmp_path / "out", Settings(stride=1))
    reports = list(prepare(tasks))
    assert [report.written for report in reports] == [2]
    assert reports[0].left_out == {"broken": 1}
    assert "line 5" in reports[0].problem
    shard = Shard(tmp_path / "out" / "pairs_train-0000000.safetensors")
    for index, tolerance in ((0, 1 / 32), (1, 0.22)):
        flow, valid = shard.flow(index)
        np.testing.assert_allclose(flow[valid], truth[valid], atol=tolerance)
        assert valid[34:60, 26:50].all()
        back, back_valid = shard.flow(index, 1)
        np.testing.assert_allclose(back[40, 40], [-6, 4], atol=tolerance)
        assert not back_valid[62:66, 21:25].any()  # laid bare: nothing of the first frame


def test_folder_when_pictures_have_flow_beside_them_then_it_is_taken(tmp_path: Path):
    truth = write_listed(tmp_path)
    frames = tmp_path / "frames"
    frames.mkdir()
    for index in range(2):
        (tmp_path / f"{index}.png").rename(frames / f"{index}.png")
    (tmp_path / "flow.flo").rename(frames / "0.flo")
    reports = list(prepare(plan([frames], tmp_path / "out", Settings(stride=1))))
    assert [report.written for report in reports] == [1]
    flow, valid = Shard(tmp_path / "out" / "frames-0000000.safetensors").flow(0)
    np.testing.assert_allclose(flow[valid], truth[valid], atol=1 / 32)


def test_list_when_its_paths_begin_elsewhere_then_root_says_where(tmp_path: Path):
    write_listed(tmp_path)
    (tmp_path / "lists").mkdir()
    listing = tmp_path / "lists" / "pairs.txt"
    listing.write_text("0.png 1.png flow.flo\n")
    out = tmp_path / "out"
    assert main([str(listing), "--out", str(out), "--root", str(tmp_path)]) == 0
    assert len(ClipPairs(out)) == 1


@dataclass(frozen=True)
class DeadlyTask(Task):
    """Reading its file ends the process, as a decoder's crash does."""

    def run(self) -> ClipReport:
        if self.path.stem == "a_2":
            os._exit(9)
        return super().run()


def test_prepare_when_a_file_ends_the_process_then_it_is_named_and_the_rest_made(tmp_path: Path):
    clips = [write_clip(tmp_path, name, frames=8) for name in ("a_1", "a_2", "b_1")]
    tasks = [
        DeadlyTask(clip, tmp_path / "out" / f"{clip.stem}.safetensors", 1, Settings())
        for clip in clips
    ]
    reports = {report.clip: report for report in prepare(tasks, jobs=2)}
    assert {name: report.written for name, report in reports.items()} == {
        "a_1": 1,
        "a_2": 0,
        "b_1": 1,
    }
    assert "ends the process" in str(reports["a_2"].problem)


def test_main_when_a_process_of_a_group_has_nothing_to_do_then_that_is_no_failure(
    tmp_path: Path, monkeypatch
):
    write_clip(tmp_path, "a_1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "1")
    assert main([str(tmp_path), "--out", str(tmp_path / "out")]) == 0


@pytest.mark.parametrize(
    ("text", "message"), [("a b\n", "Line 1 .* has 2 names"), ("\n", "no pair")]
)
def test_list_when_malformed_then_names_the_line(tmp_path: Path, text: str, message: str):
    path = tmp_path / "list.txt"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        read_list(path)


def test_published_flow_when_decoded_then_covers_fifty_px():
    ends = np.array([[0, 255]], np.uint8)
    np.testing.assert_allclose(
        decode_published_flow(ends, ends[:, ::-1])[0], [[-50, 50], [50, -50]]
    )


def test_flow_when_turned_round_then_leads_back():
    flow = np.full((20, 30, 2), (3, 2), np.float32)
    back, hit = turn_round(flow)
    np.testing.assert_array_equal(back[5:, 6:], -flow[5:, 6:])
    assert not hit[0].any()
    assert not hit[:, 0].any()
