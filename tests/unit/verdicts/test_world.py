"""The rules held against whole stories of dumps, of which a waiter sees only a part.

A story says what really happened and what a hypervisor would have told of it, as it was seen on real ones. What
the waiter gets is that with losses, repeats, delays and outages. Its verdict must be the truth, or unproven.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from itertools import chain, repeat

from hypothesis import example, given, settings
from hypothesis import strategies as st

from backend.dump_request import DumpFlags, DumpFormat
from backend.errors import NoConnection, NoSuchDomain, NotAnswering, OperationFailed
from backend.events import ConnectionEvent, DumpEvent, JobEvent, Lifecycle, LifecycleEvent
from backend.files.dumpfile import MIGRATION_STREAM, DumpFile
from backend.job_stats import JobStats, JobType
from backend.model import Domain, DomainKey, DomainState, JobOperation
from backend.outcome import Outcome, Verdict
from backend.records.record import JobRecord, RecordState
from backend.verdicts.attachment import Attachment
from backend.verdicts.observations import (
    FileChecked,
    FileHeld,
    Observation,
    RecordSeen,
    Sampled,
    SampleFailed,
    StateSeen,
)
from backend.verdicts.phase import FILE_GRACE, ORPHAN_GRACE

KEY = DomainKey("6d5e3a05-590e-4843-9af4-d4b2ecfa4b83", 7, "db-01")
STOPPED_KEY = replace(KEY, id=None)
EVENTS = (LifecycleEvent, JobEvent, DumpEvent)
TOTAL = 10_000
"""Of what `Story.unit` is one of."""


class Ending(Enum):
    COMPLETED = Verdict.COMPLETED
    DISK_FULL = Verdict.FAILED
    CLOSE_FAILED = "the hypervisor finished, and the file could not be closed"
    DESTROYED = "the domain was destroyed in the middle"
    DESTROYED_LATE = "the domain was destroyed while the file was closed"
    ABORTED = Verdict.CANCELLED
    ABORTED_LATE = "aborted when the whole stream was written"

    @property
    def truths(self) -> set[Verdict]:
        """The verdicts that are no lie. An aborted dump of someone else may be known only as one that failed."""
        if self is Ending.COMPLETED:
            return {Verdict.COMPLETED}
        aborted = self in (Ending.ABORTED, Ending.ABORTED_LATE)
        return {Verdict.CANCELLED, Verdict.FAILED} if aborted else {Verdict.FAILED}


@dataclass(frozen=True)
class Story:
    ending: Ending
    raw: bool
    was_running: bool
    ours: bool
    """Whether there is a record with a runner behind it."""
    shared: bool
    """Whether the waiter is another user, or on another host, and knows it only from the domain's metadata."""
    runner_dies: bool
    pre_existing: bool
    """Whether the file was there before, so that libvirt does not remove it after a failure."""
    restarts: bool
    """Whether the domain is destroyed right after the job's end."""
    follows: Ending | None
    """How another dump, to another file, ends that follows at once."""
    quick: bool
    """Whether the work is done in a moment, so that the time that it took is soon less than the next dump's."""

    @property
    def pace(self) -> float:
        return 0.01 if self.quick else 1.0

    @property
    def half(self) -> bool:
        """Whether it ends in the middle of its work."""
        return self.ending in (Ending.DISK_FULL, Ending.DESTROYED, Ending.ABORTED)

    @property
    def stop(self) -> float:
        """When the work ends; the job takes a second longer."""
        return (5.0 if self.half else 10.0) * self.pace

    @property
    def next(self) -> tuple[float, float]:
        """From when to when the dump that follows is at work."""
        return self.stop + 1.01, self.stop + 4.0

    @property
    def unit(self) -> int:
        """Bytes: a dump of 10 GiB, or of 1 GiB in a moment, which is as fast as it gets."""
        return 100 << 10 if self.quick else 1 << 20

    def stats(self, elapsed: float, processed: int, type: JobType = JobType.UNBOUNDED) -> JobStats:
        sizes = {"memory_total": TOTAL, "memory_processed": processed, "memory_remaining": TOTAL - processed}
        sizes = {name: size * self.unit for name, size in sizes.items()}
        return JobStats(type, JobOperation.DUMP, time_elapsed=int(elapsed * 1000), **sizes)


PLAIN = Story(
    Ending.DESTROYED_LATE,
    raw=False,
    was_running=False,
    ours=False,
    shared=False,
    runner_dies=False,
    pre_existing=False,
    restarts=False,
    follows=None,
    quick=False,
)
"""Somebody else's memory-only dump of a paused guest, to a new file."""

stories = st.builds(
    Story,
    ending=st.sampled_from(Ending),
    raw=st.booleans(),
    was_running=st.booleans(),
    ours=st.booleans(),
    shared=st.booleans(),
    runner_dies=st.booleans(),
    pre_existing=st.booleans(),
    restarts=st.booleans(),
    follows=st.none() | st.sampled_from([Ending.COMPLETED, Ending.DISK_FULL]),
    quick=st.booleans(),
).filter(lambda story: story.raw or story.ending not in (Ending.ABORTED, Ending.ABORTED_LATE))


def record_of(story: Story, state: RecordState) -> JobRecord:
    return JobRecord(
        id="a",
        uri="qemu:///system",
        uuid=KEY.uuid,
        domain=KEY.name,
        domain_id=KEY.id,
        path="/f",
        format=DumpFormat.RAW,
        flags=DumpFlags.NONE if story.raw else DumpFlags.MEMORY_ONLY,
        user="root@other",
        started=0.0,
        state=state,
        ended=None if state is RecordState.RUNNING else 1.0,
    )


def told(story: Story) -> list[tuple[float, Observation]]:
    """Everything that could be seen of the story, with its time; the job begins at 0 and works until 10, or 0.1."""
    stop = story.stop
    moments = [(step, step / 2 * story.pace) for step in range(1, 10 if story.half else 20)]
    seen: list[tuple[float, Observation]] = [
        (moment, Sampled(story.stats(moment, step * 500), moment)) for step, moment in moments
    ]
    end = stop + 1.0
    if story.ending is Ending.DESTROYED:
        seen += [(stop, LifecycleEvent(STOPPED_KEY, Lifecycle.STOPPED, "destroyed"))]
    else:
        if not story.raw:
            completed = story.ending is not Ending.DISK_FULL
            seen.append((stop, DumpEvent(KEY, completed, "" if completed else "no space")))
        elif story.ending in (Ending.COMPLETED, Ending.CLOSE_FAILED, Ending.DESTROYED_LATE):
            seen.append((stop, JobEvent(KEY, story.stats(stop, TOTAL, JobType.COMPLETED))))
        seen += _closing(story, stop)
        if story.ending is Ending.DESTROYED_LATE:
            seen.append((end, LifecycleEvent(STOPPED_KEY, Lifecycle.STOPPED, "destroyed")))
        elif story.was_running:
            seen.append((end, LifecycleEvent(KEY, Lifecycle.RESUMED, "unpaused")))
    if story.ours:
        state = {Ending.COMPLETED: RecordState.COMPLETED}
        state |= dict.fromkeys((Ending.ABORTED, Ending.ABORTED_LATE), RecordState.CANCELLED)
        result = RecordState.RUNNING if story.runner_dies else state.get(story.ending, RecordState.FAILED)
        seen.append((end + 0.1, RecordSeen(record_of(story, result), False, story.shared)))
    return seen + _afterwards(story, end)


def _closing(story: Story, stop: float) -> list[tuple[float, Observation]]:
    if story.ending is Ending.DISK_FULL and not story.raw:
        return [(stop + 0.5, SampleFailed(OperationFailed("operation failed: dump query failed, status=3", code=9)))]
    if story.ending in (Ending.ABORTED, Ending.ABORTED_LATE):
        done = 5000 if story.half else TOTAL
        return [(stop + 0.5, Sampled(story.stats(stop, done, JobType.CANCELLED), stop + 0.5))]
    if story.ending is Ending.DISK_FULL:
        return []
    # While its file is closed, a stream's time stands still.
    elapsed = stop if story.raw else stop + 0.5
    return [(stop + 0.5, Sampled(story.stats(elapsed, TOTAL, JobType.COMPLETED), stop + 0.5))]


def _afterwards(story: Story, end: float) -> list[tuple[float, Observation]]:
    seen: list[tuple[float, Observation]] = []
    alive = story.ending not in (Ending.DESTROYED, Ending.DESTROYED_LATE)
    if alive and story.follows is not None:
        seen += [
            (end + 0.01 + step / 2, Sampled(story.stats(step / 2, step * 500), end + step / 2)) for step in range(1, 6)
        ]
        seen.append((end + 3, DumpEvent(KEY, story.follows is Ending.COMPLETED, "")))
    elif alive:
        seen += [(end + 0.01 + step / 2, Sampled(None, end + step / 2)) for step in range(6)]
    if alive and story.restarts:
        seen.append((end + 0.2, LifecycleEvent(STOPPED_KEY, Lifecycle.STOPPED, "destroyed")))
        alive = False
    if not alive:
        seen += [(end + 1 + step, SampleFailed(NoSuchDomain("gone"))) for step in range(3)]
    return seen


def file_of(story: Story, now: float, step: tuple[float, float] | None) -> FileChecked:
    """What the held file looks like after the end."""
    failed = story.ending is not Ending.COMPLETED
    # What could not be closed may look whole; libvirt removes it unless it was there before, and not at once.
    whole = story.ending in (Ending.COMPLETED, Ending.CLOSE_FAILED) and not (failed and story.pre_existing)
    whole |= story.ending is Ending.ABORTED_LATE
    late = story.ending is Ending.DESTROYED_LATE
    found = DumpFile("/f", format_of(story), TOTAL if whole or late else 5000, whole or late, "As looked at.")
    # Its age is not known once the clock was set.
    age = None if step is not None and step[0] <= now else now + (1000.0 if story.pre_existing else 0.0)
    return FileChecked(found, not failed or story.pre_existing or late, untouched=0.0, asked=now, age=age)


def format_of(story: Story) -> str:
    return MIGRATION_STREAM if story.raw else "ELF core"


NEXT = "/next"


def found_at(story: Story, now: float) -> str | None:
    """The file that the domain is dumped to at that time."""
    if 0 < now < story.stop:
        return "/f"
    begun, stop = story.next
    followed = story.follows is not None and story.ending not in (Ending.DESTROYED, Ending.DESTROYED_LATE)
    return NEXT if followed and begun < now < stop else None


def held_by(story: Story, now: float) -> tuple[str, tuple[float, float]] | None:
    """The file that was written last, if that is over, and from when to when its writer was seen."""
    begun, stop = story.next
    followed = story.follows is not None and story.ending not in (Ending.DESTROYED, Ending.DESTROYED_LATE)
    if followed and now >= begun:
        return (NEXT, (begun, stop)) if now >= stop else None
    return ("/f", (0.0, story.stop)) if now >= story.stop else None


def looked_at(telling: Telling, path: str, now: float) -> FileChecked:
    story = telling.story
    if path != NEXT:
        return file_of(story, now, telling.step)
    stop = story.next[1]
    whole = now > stop and story.follows is Ending.COMPLETED
    found = DumpFile(NEXT, "ELF core", TOTAL if whole else 5000, whole, "As looked at.")
    return FileChecked(found, now < stop or whole, max(0.0, now - stop), asked=now, age=None)


def decided(attachment: Attachment, now: float) -> Outcome | None:
    try:
        return attachment.outcome(now)
    except NoConnection:
        return None


@dataclass(frozen=True)
class Glimpse:
    """What the waiter gets of one observation."""

    lost: bool = False
    delay: float = 0.0
    hiccup: bool = False
    """Whether the hypervisor did not answer just before it."""
    times: int = 1


@dataclass(frozen=True)
class Telling:
    """What the waiter gets of a whole story."""

    story: Story
    glimpses: Sequence[Glimpse]
    """One for each observation that there is; those beyond the last are seen as they are."""
    visible: bool = True
    """Whether the file can be seen."""
    hears: bool = False
    """Whether QEMU's report is heard."""
    outage: tuple[float, float] | None = None
    """When the connection is lost, and for how long."""
    looking: float = 0.0
    """Since when the file is looked for."""
    watched: bool = False
    """Whether each file is held from its begin on, so that it is found when its writer is gone."""
    step: tuple[float, float] | None = None
    """When the hypervisor's wall clock is set, and by how many seconds: libvirt measures elapsed time by that."""


def observed(telling: Telling) -> list[tuple[float, Observation]]:
    """Everything that could be seen, in its order and with its time, as the hypervisor's clock has it."""
    ordered = sorted(told(telling.story), key=lambda pair: pair[0])
    if telling.step is None:
        return ordered
    end = telling.story.stop + 1.0
    return [
        (moment, after_step(observation, 0.0 if moment <= end else end + 0.01, *telling.step, moment))
        for moment, observation in ordered
    ]


def after_step(observation: Observation, began: float, at: float, by: float, moment: float) -> Observation:
    """What is seen of a job that `began` then if the clock was set `by` seconds at that time."""
    if not isinstance(observation, Sampled) or observation.stats is None or not began < at <= moment:
        return observation
    elapsed, lasted = observation.stats.time_elapsed / 1000, at - began
    if elapsed < lasted:
        return observation  # It had no more time to count: a stream's time stands still while it is closed.
    # libvirt forgets the start of a job that would lie in the future, and counts no time from then on.
    counted = 0.0 if lasted + by < 0 else elapsed + by
    return replace(observation, stats=replace(observation.stats, time_elapsed=int(counted * 1000)))


def glimpse(number: int) -> Glimpse:
    """The one of that number; 0 tells everything, at once. One of six is lost, and one of nine comes after a hiccup."""
    number, fate = divmod(number, 6)
    number, trouble = divmod(number, 9)
    delay, more = divmod(number % (2 * 201), 2)
    return Glimpse(lost=fate == 5, delay=delay / 1000, hiccup=trouble == 8, times=1 + more)


@st.composite
def tellings(draw: st.DrawFn) -> Telling:
    story = draw(stories)
    count = len(told(story))
    if draw(st.integers(0, 9)) == 9:
        glimpses = [Glimpse(lost=True)] * count  # Nobody gets an answer; only what is reported is heard.
    else:
        # Drawn as one: a few numbers for each of them would take more time than the rules themselves.
        numbers = struct.iter_unpack("<H", draw(st.binary(min_size=2 * count, max_size=2 * count)))
        glimpses = [glimpse(number) for (number,) in numbers]
    return Telling(
        story,
        glimpses=glimpses,
        visible=draw(st.booleans()),
        hears=draw(st.booleans()),
        outage=draw(st.none() | st.tuples(st.floats(0, 12), st.floats(0.1, 8))),
        looking=draw(st.floats(0, 0.2) | st.floats(0, 16)),
        watched=draw(st.booleans()),
        step=draw(st.none() | st.tuples(st.floats(0, 16), steps)),
    )


steps = st.one_of(*(st.floats(low, high) for low, high in ((-4, 4), (-4000, -4), (4, 4000))))


def missed(
    ending: Ending,
    raw: bool,
    follows: Ending,
    hears: bool,
    shared: bool = False,
    pre_existing: bool = False,
    ours: bool = True,
) -> Telling:
    """All of a dump of a paused guest is missed that can be; the first thing that is seen is the next dump."""
    story = replace(PLAIN, ending=ending, raw=raw, ours=ours, shared=shared, pre_existing=pre_existing, follows=follows)
    before = sum(moment < story.next[0] + 0.5 for moment, _ in told(story))
    return Telling(story, [Glimpse(lost=True)] * before, hears=hears)


def set_back_unseen() -> Telling:
    """The clock is set back while nobody looks: the dump's own stats look like those of one that has followed it."""
    glimpses = [Glimpse(lost=True), Glimpse(), *[Glimpse(lost=True)] * 23]
    return Telling(PLAIN, glimpses, outage=(2.0, 1.0), step=(1.5, -2.0))


def followed_unseen() -> Telling:
    """Nothing of the dump is seen, and by a clock that was set forward meanwhile, the next one began when it did."""
    story = replace(PLAIN, ending=Ending.COMPLETED, ours=True, follows=Ending.DISK_FULL, quick=True)
    return Telling(story, (), visible=False, outage=(0.0, 2.0), step=(2.0, 2.0))


def aborted_late() -> Telling:
    """A whole stream was written over an older file, and nobody looked while its stats said that it was aborted."""
    story = replace(PLAIN, ending=Ending.ABORTED_LATE, raw=True, was_running=True, pre_existing=True)
    order = sorted(told(story), key=lambda pair: pair[0])
    return Telling(story, [Glimpse(lost=story.stop < moment < story.stop + 1.0) for moment, _ in order])


@settings(max_examples=5 * settings().max_examples)
@given(tellings())
@example(aborted_late())
@example(set_back_unseen())
@example(followed_unseen())
@example(missed(Ending.DISK_FULL, raw=False, follows=Ending.COMPLETED, hears=False))
@example(missed(Ending.DISK_FULL, raw=False, follows=Ending.COMPLETED, hears=False, pre_existing=True))
@example(missed(Ending.DISK_FULL, raw=False, follows=Ending.COMPLETED, hears=False, shared=True))
@example(missed(Ending.DISK_FULL, raw=False, follows=Ending.COMPLETED, hears=False, shared=True, pre_existing=True))
@example(missed(Ending.COMPLETED, raw=True, follows=Ending.DISK_FULL, hears=True))
@example(
    replace(missed(Ending.COMPLETED, True, Ending.DISK_FULL, True, ours=False), glimpses=[Glimpse(lost=True)] * 99)
)
def test_the_verdict_is_the_truth_or_unproven(telling: Telling) -> None:
    story, outcome = telling.story, outcome_of(telling)
    assert outcome.verdict in story.ending.truths | {Verdict.UNPROVEN}, (outcome, story)
    assert outcome.path != NEXT, (outcome, story)


@settings(max_examples=2 * settings().max_examples)
@given(stories.filter(lambda story: not story.quick), st.booleans(), st.booleans(), st.floats(0, 1), steps)
def test_a_step_of_the_clock_during_a_dump_changes_no_verdict(
    story: Story, visible: bool, hears: bool, part: float, by: float
) -> None:
    watched = Telling(story, (), visible, hears)
    at = 1.0 + part * story.stop  # Before that, the dump looks as young as one that has just followed it.
    assert outcome_of(replace(watched, step=(at, by))).verdict is outcome_of(watched).verdict


def outcome_of(telling: Telling) -> Outcome:
    """What the waiter concludes."""
    story = telling.story
    record = record_of(story, RecordState.RUNNING) if story.ours else None
    attachment = Attachment(KEY, JobOperation.DUMP, record, story.ours and story.shared, telling.hears)
    if record is None:
        attachment.observe(Sampled(story.stats(0.001, 0), 0.0), 0.0)  # Whoever attaches has seen the job.
    now, held, outcome = 0.0, None, None
    seen = observed(telling)
    for (moment, observation), glimpse in zip(seen, chain(telling.glimpses, repeat(Glimpse())), strict=False):
        outage = telling.outage
        if outage is not None and outage[0] <= moment < sum(outage):
            observation = SampleFailed(NoConnection("lost"))
        elif outage is not None and moment >= sum(outage):
            attachment.observe(ConnectionEvent(True), max(now, moment))
            attachment.observe(StateSeen(Domain(KEY, DomainState.RUNNING)), max(now, moment))
        elif isinstance(observation, DumpEvent) and not telling.hears:
            continue
        elif not (telling.hears and isinstance(observation, EVENTS)) and glimpse.lost:
            continue  # It was lost, or nobody looked.
        now = max(now, moment + glimpse.delay)
        if glimpse.hiccup:
            attachment.observe(SampleFailed(NotAnswering("5 s")), now)
        for _ in range(glimpse.times):
            attachment.observe(observation, now)
        if telling.visible and held is None and now >= telling.looking:
            held = found_at(story, now)
            if held is not None:
                attachment.observe(FileHeld(now), now)
        if telling.watched and held is None and attachment.ended and (last := held_by(story, now)) is not None:
            held, seen_writing = last
            attachment.observe(FileHeld(seen_writing[0], seen_writing, over=True), now)
        if held is not None and attachment.ended:
            attachment.observe(looked_at(telling, held, now), now)
        if (outcome := decided(attachment, now)) is not None:
            break
    if outcome is None:
        for later in (GRACE_OVER, 2 * GRACE_OVER):
            attachment.observe(SampleFailed(NoSuchDomain("gone")), now + later - 1)
            if held is not None:
                attachment.observe(looked_at(telling, held, now + later - 1), now + later - 1)
            outcome = outcome or decided(attachment, now + later)
        assert outcome is not None
    return outcome


GRACE_OVER = FILE_GRACE + ORPHAN_GRACE
