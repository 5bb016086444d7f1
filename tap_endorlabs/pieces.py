"""How a range is cut into pieces that are read side by side; no threads in here.

How long a piece is made follows from how dense the events were next to it. Each page that is read corrects that, and
what its reader will not get to in a few pages is cut off, for others to take.
"""

from __future__ import annotations

import typing as t

from tap_endorlabs.pagination import CROWDED

if t.TYPE_CHECKING:
    from tap_endorlabs.limits import Limits
    from tap_endorlabs.pagination import Position, SeekPaginator
    from tap_endorlabs.records import Event, Page, Reject

PAGES_AT_A_TIME = 4
"""A reader takes so many pages of a piece, then gives back what is left of it."""

MARGIN = 0.1
"""A piece is made this part of a page shorter than that: an almost empty page costs as much as a full one."""

SLIVER = 1.0
"""A piece of fewer pages than this is not cut off."""

GROWTH = 3
"""While it is not known how dense the events are, each piece is made so many times as long as the one before it."""

STEPS = 2
"""Behind a burst it takes so many pieces until one is as long as it would be elsewhere."""

ROOM = 1.25
"""How many pieces for each reader may wait in memory for their turn to leave."""


class Stretch(t.NamedTuple):
    """A part of the range that has been read completely.

    Attributes:
        events: all events since the stretch before, in order.
        reached: the second up to which the range has been read.
        rejected: objects met on the way that can't be events; the same may come again.
    """

    events: list[Event]
    reached: int
    rejected: list[Reject]


class Piece:
    """A part of the range, read from its start on by one reader at a time.

    Attributes:
        paginator: the position in it.
        taken: whether somebody reads it now.
        touched: whether anybody ever has.
        due: how many pages its reader is still to read.
        failure: why it can't be read any further.
        density: pages per second where it was read last, None before that.
        pages: how much has been read of it since it was last cut.
        seconds: in what time that lies.
    """

    def __init__(self, paginator: SeekPaginator) -> None:
        self.paginator = paginator
        self.taken = False
        self.touched = False
        self.due = 0
        self.failure: BaseException | None = None
        self.density: float | None = None
        self._expected = 0.0
        self._background = False
        self._pages = 0.0
        self._seconds = 0
        self.pages = 0.0
        self.seconds = 0
        self._stretches: list[Stretch] = []

    @property
    def finished(self) -> bool:
        """Whether all of it has been read."""
        return self.paginator.finished

    @property
    def waiting(self) -> int:
        """How many of its events are in memory."""
        return self.paginator.held + sum(len(stretch.events) for stretch in self._stretches)

    def take_in(self, page: Page) -> None:
        """Take in the page that the paginator's position was answered with."""
        paginator, position = self.paginator, self.paginator.current_value
        before = paginator.reached
        paginator.advance(page)  # type: ignore[arg-type] # a decoded page, see SeekPaginator.get_next
        self._stretches.append(Stretch(paginator.settled, paginator.reached, page.rejected))
        pages, seconds = len(paginator.settled) / position.page_size, paginator.reached - before
        self.pages += pages
        self.seconds += seconds
        is_full = page.size >= position.page_size or page.says_more
        self._pages += 1 if is_full else pages
        self._seconds += seconds
        after = None if paginator.finished else paginator.current_value
        # What leads up to a stretch that is read whole must not be measured without it.
        is_between = after is not None and after.whole and (after.page_id is not None or not position.whole)
        if self._seconds and not is_between:
            self._measure(position)

    def _measure(self, position: Position) -> None:
        """Say how dense it is, but let a second that had to be read by itself not speak for its neighbours."""
        alone = position.whole and position.stop - position.start == 1
        if alone and self._background:
            # Ordinary events led up to it, so it is an exception.
            self._background = False
        elif alone and self._seconds == 1 and not self._expected:
            return
        else:
            if alone and self._expected:
                # It counts for no more than what was thought before.
                self._pages += 1
                self._seconds += int(1 / self._expected)
            self._background = not alone and len(self.paginator.settled) > CROWDED * position.page_size
            self.density = self._expected = self._pages / self._seconds
        self._pages, self._seconds = 0.0, 0

    def expect(self, density: float) -> None:
        """Take for granted, until it is measured, how many pages per second it has."""
        self._expected = density

    def leave(self) -> list[Stretch]:
        """Hand over what has been read."""
        stretches, self._stretches = self._stretches, []
        return stretches


class Pieces:
    """The pieces of a range that have not left yet, in the order of time.

    Args:
        first: the piece that they are cut from, with its beginning measured.
        limits: how much is asked for at a time.
        readers: how many read side by side.
    """

    def __init__(self, first: Piece, limits: Limits, readers: int) -> None:
        self._all = [first]
        self._limits = limits
        self._readers = readers
        self._density = first.density or 0.0
        self._pages, self._seconds = first.pages, first.seconds

    @property
    def head(self) -> Piece | None:
        """The earliest piece."""
        return self._all[0] if self._all else None

    @property
    def unread(self) -> bool:
        """Whether there is anything left to be read."""
        return any(not piece.finished for piece in self._all)

    def drop_head(self) -> None:
        """Forget the earliest piece, of which everything has left."""
        self._density = self._all.pop(0).density or 0.0

    def take(self) -> Piece | None:
        """Give the earliest piece that nobody reads; None where there is none, or no room in memory for more."""
        for piece in self._all:
            if piece.failure is not None:
                # Nothing behind it will leave.
                return None
            if not piece.taken and not piece.finished:
                # Room is made only by the head, so its reader must not wait for room.
                if piece is not self._all[0] and not self._has_room():
                    return None
                piece.taken = piece.touched = True
                piece.paginator.renew()
                self.cut(piece, self._share(piece))
                return piece
        return None

    def _share(self, piece: Piece) -> int:
        """Say how many pages a reader is to take, so that at the end of the range there is something for all."""
        density = self._density_at(self._all.index(piece))
        left = density * sum(p.paginator.stop - p.paginator.reached for p in self._all if not p.taken or p is piece)
        return max(1, min(PAGES_AT_A_TIME, int(left / self._readers))) if density else PAGES_AT_A_TIME

    def _has_room(self) -> bool:
        waiting = sum(piece.waiting + piece.due * self._limits.page_size for piece in self._all)
        return waiting < ROOM * self._readers * PAGES_AT_A_TIME * self._limits.page_size

    def cut(self, piece: Piece, pages: int) -> None:
        """Leave to others what lies behind the next pages of a piece."""
        index = self._all.index(piece)
        self._pages += piece.pages
        self._seconds += piece.seconds
        piece.pages, piece.seconds = 0.0, 0
        density = self._density_at(index)
        piece.expect(density)
        piece.due = pages
        if piece.finished:
            return
        paginator = piece.paginator
        after = next((p for p in self._all[index + 1 : index + 2] if not p.touched), None)
        if pages == 0 and after is not None:
            paginator.absorb(after.paginator)
            self._all.remove(after)
        if pages == 0 or density == 0:
            return
        second = paginator.reached + int((pages - MARGIN) / density)
        if after is None and (paginator.stop - second) * density < SLIVER:
            return
        rest = paginator.split(second)
        if rest is not None and after is not None:
            rest.absorb(after.paginator)
            self._all.remove(after)
        if rest is not None:
            self._all.insert(index + 1, Piece(rest))

    def _density_at(self, index: int) -> float:
        """Estimate the pages per second at the start of a piece from those that have been measured before it."""
        unmeasured = next((n for n, piece in enumerate(self._all[index::-1]) if piece.density is not None), None)
        near = self._density if unmeasured is None else self._all[index - unmeasured].density or 0.0
        steps = index if unmeasured is None else max(unmeasured - 1, 0)
        if steps == 0 or near == 0:
            return near
        # In a burst the pieces behind the first are soon as long as they are elsewhere: where it ends is not known.
        usual = self._pages / self._seconds if self._seconds else near
        growth = max(GROWTH, (near / usual) ** (1 / STEPS)) if self._limits.whole_seconds == 0 else GROWTH
        return float(near / growth**steps)
