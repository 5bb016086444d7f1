"""How a range is cut into pieces that are read side by side; no threads in here.

How long a piece is made follows from how dense the events were next to it. Each page that is read corrects that, and
what its reader will not get to in a few pages is cut off, for others to take. A piece may turn out to end in an almost
empty page, so pieces are cut only as long as the requests that are wasted so stay within a budget.
"""

from __future__ import annotations

import typing as t

from tap_endorlabs.reading.density import Density

if t.TYPE_CHECKING:
    from tap_endorlabs.api.records import Event, Page, Reject
    from tap_endorlabs.reading.limits import Limits
    from tap_endorlabs.reading.pagination import SeekPaginator

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

WASTE = 16.0
"""So many requests may be wasted at the ends of pieces, beside a share of the pages."""

WASTE_SHARE = 0.18
"""The share of the pages that may be wasted besides."""


class Stretch(t.NamedTuple):
    """A part of the range that has been read completely.

    Attributes:
        events: all events since the stretch before, in order.
        reached: the second up to which the range has been read.
        rejected: objects met on the way that can't be events; the same may come again.
        seen: how many events each of the databases had of it; the same may be in both.
    """

    events: list[Event]
    reached: int
    rejected: list[Reject]
    seen: tuple[int, ...] = ()


class Piece:
    """A part of the range, read from its start on by one reader at a time.

    Attributes:
        paginator: the query in it.
        taken: whether somebody reads it now.
        touched: whether anybody ever has.
        due: how many pages its reader is still to read.
        failure: why it can't be read any further.
        wasted: how many requests brought nothing, in parts of a request, since that was last collected.
    """

    def __init__(self, paginator: SeekPaginator) -> None:
        self.paginator = paginator
        self.taken = False
        self.touched = False
        self.due = 0
        self.failure: BaseException | None = None
        self.wasted = 0.0
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
        """Take in the page that the paginator's query was answered with."""
        paginator, query = self.paginator, self.paginator.current_value
        held, stop = paginator.held, paginator.stop
        paginator.advance(page)  # type: ignore[arg-type] # a decoded page, see SeekPaginator.get_next
        self._stretches.append(Stretch(paginator.settled, paginator.reached, page.rejected, paginator.seen))
        news = (len(paginator.settled) + paginator.held - held) / query.page_size
        size = page.size / query.page_size if page.says_more else 1.0
        # A query that had to be short is not the fault of where the range was cut.
        if size < 1 or page.says_more or query.stop == stop:
            self.wasted += max(size - news, 0.0)

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
        self._density = first.paginator.plan.density
        self._read = Density()
        self._wasted = 0.0

    @property
    def head(self) -> Piece | None:
        """The earliest piece."""
        return self._all[0] if self._all else None

    @property
    def unread(self) -> bool:
        """Whether there is anything left to be read."""
        return any(not piece.finished for piece in self._all)

    @property
    def nears_end(self) -> bool:
        """Whether somebody reads each piece that is not finished, and there is about a page left for each reader."""
        if not all(piece.taken or piece.finished for piece in self._all):
            return False
        left = 0.0
        for index, piece in enumerate(self._all):
            if not piece.finished:
                rate = self._rate_at(index)
                # At first nobody knows what is to come.
                left += rate * (piece.paginator.stop - piece.paginator.reached) if rate else self._readers
        return left < self._readers

    def drop_head(self) -> None:
        """Forget the earliest piece, of which everything has left."""
        self._density = self._all.pop(0).paginator.plan.density

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
                if piece.paginator.plan.measured:
                    piece.paginator.renew()
                else:
                    piece.paginator.expect(self._expected_at(self._all.index(piece)))
                self.cut(piece, self._share(piece))
                return piece
        return None

    def _share(self, piece: Piece) -> int:
        """Say how many pages a reader is to take, so that at the end of the range there is something for all."""
        density = self._rate_at(self._all.index(piece))
        left = density * sum(p.paginator.stop - p.paginator.reached for p in self._all if not p.taken or p is piece)
        return max(1, min(PAGES_AT_A_TIME, int(left / self._readers))) if density else PAGES_AT_A_TIME

    def _has_room(self) -> bool:
        waiting = sum(piece.waiting + piece.due * self._limits.page_size for piece in self._all)
        return waiting < ROOM * self._readers * PAGES_AT_A_TIME * self._limits.page_size

    def cut(self, piece: Piece, pages: int) -> None:
        """Leave to others what lies behind the next pages of a piece."""
        index = self._all.index(piece)
        self._collect(piece)
        piece.due = pages
        if piece.finished:
            return
        paginator = piece.paginator
        after = next((p for p in self._all[index + 1 : index + 2] if not p.touched), None)
        if pages == 0 and after is not None:
            paginator.absorb(after.paginator)
            self._all.remove(after)
        rate = self._rate_at(index)
        if pages == 0 or rate == 0:
            return
        second = paginator.stretch_stop or paginator.reached + int((pages - MARGIN) / rate)
        if after is None and ((paginator.stop - second) * rate < SLIVER or not self._may_waste()):
            return
        rest = paginator.split(second)
        if rest is not None and after is not None:
            rest.absorb(after.paginator)
            self._all.remove(after)
        if rest is not None:
            self._all.insert(index + 1, Piece(rest))

    def _collect(self, piece: Piece) -> None:
        self._read = self._read.plus(piece.paginator.plan.read)
        self._wasted += piece.wasted
        piece.paginator.plan.read, piece.wasted = Density(), 0.0

    def _may_waste(self) -> bool:
        """Whether another piece may be cut off, even if each of them ended in an empty page."""
        unfinished = sum(not piece.finished for piece in self._all)
        return self._wasted + unfinished < WASTE + WASTE_SHARE * self._read.pages

    def _nearest(self, index: int) -> tuple[Density, int]:
        """Give the density that was measured last before a piece, and how many unmeasured pieces lie between."""
        unmeasured = next((n for n, piece in enumerate(self._all[index::-1]) if piece.paginator.plan.measured), None)
        if unmeasured is None:
            return self._density, index
        return self._all[index - unmeasured].paginator.plan.density, max(unmeasured - 1, 0)

    def _expected_at(self, index: int) -> Density:
        """Give the density to be expected of an unmeasured piece, by so many before it as have a few groups alike."""
        measured = [piece.paginator.plan.density for piece in self._all[index::-1] if piece.paginator.plan.measured]
        density, *earlier = [*measured, self._density]
        for other in earlier:
            if density.has_many_groups:
                break
            density = other.after(density, self._limits.page_size)
        return density

    def _rate_at(self, index: int) -> float:
        """Estimate the pages per second at the start of a piece from those that have been measured before it."""
        density, steps = self._nearest(index)
        if steps == 0 or density.rate == 0:
            return density.rate
        # In a burst the pieces behind the first are soon as long as they are elsewhere: where it ends is not known.
        growth = max(GROWTH, (density.rate / (self._read.rate or density.rate)) ** (1 / STEPS))
        return float(density.rate / growth**steps)
