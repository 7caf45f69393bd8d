"""Makes what the next steps need while this one computes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

ThingT = TypeVar("ThingT")


@contextmanager
def prefetched(
    make: Callable[[int], ThingT], numbers: Sequence[int], *, workers: int = 1
) -> Iterator[Callable[[], ThingT]]:
    """Give a function that returns ``make(number)`` for one number after the other, in order.

    Args:
        make: Called in threads; what it raises comes out of the function.
        numbers: What to ask ``make`` for.
        workers: Threads, each with one number ahead. With 0 nothing is made ahead, but in the
            thread that asks: on the same cores one more thread only gets in the way.
    """
    if workers == 0:
        asked = iter(numbers)
        yield lambda: make(next(asked))
        return
    with ThreadPoolExecutor(workers, thread_name_prefix="batches") as pool:
        left = iter(numbers)
        waiting: deque[Future[ThingT]] = deque()

        def order() -> None:
            number = next(left, None)
            if number is not None:
                waiting.append(pool.submit(make, number))

        def take() -> ThingT:
            made = waiting.popleft().result()
            order()
            return made

        for _ in range(workers):
            order()
        try:
            yield take
        finally:
            for future in waiting:
                future.cancel()
