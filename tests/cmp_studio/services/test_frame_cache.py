import numpy as np

from cmp_studio.services.frame_cache import CachedFrame, FrameCache


def frame(size=10):
    return CachedFrame(np.zeros((size, size, 3), np.uint8), np.zeros((1, 1, 2), np.float16))


def test_put_when_over_budget_then_least_recently_used_goes():
    cache = FrameCache(max_bytes=2 * frame().nbytes)
    cache.put("a", frame())
    cache.put("b", frame())
    cache.get("a")
    cache.put("c", frame())
    assert [key for key in "abc" if key in cache] == ["a", "c"]


def test_put_when_key_is_there_then_replaced_and_counted_once():
    cache = FrameCache()
    cache.put("a", frame(10))
    cache.put("a", frame(20))
    assert cache.nbytes == frame(20).nbytes
    assert len(cache) == 1


def test_put_when_frame_is_larger_than_the_budget_then_kept_alone():
    cache = FrameCache(max_bytes=1)
    cache.put("a", frame())
    cache.put("b", frame())
    assert "b" in cache
    assert len(cache) == 1


def test_touch_when_called_then_those_stay():
    cache = FrameCache(max_bytes=2 * frame().nbytes)
    cache.put("a", frame())
    cache.put("b", frame())
    cache.touch(["a", "not there"])
    cache.put("c", frame())
    assert "a" in cache
    assert "b" not in cache


def test_clear_when_called_then_empty():
    cache = FrameCache()
    cache.put("a", frame())
    cache.clear()
    assert cache.nbytes == 0
    assert cache.get("a") is None
