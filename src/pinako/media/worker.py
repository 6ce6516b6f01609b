"""The worker process: decodes strangers' pictures within limits of memory, so that a hostile one ends only this process."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import BinaryIO

from pinako.errors import UnreadableFile
from pinako.media.facts import measure_image
from pinako.media.jobs import Answer, Job, Made, Measure, Measured, Refused, receive_job, send
from pinako.media.pictures import decoding, is_animated, load, mime_of, open_picture
from pinako.media.render import render, render_image

_OPEN_FILES = 64


def main() -> None:
    """Answer jobs from standard input until it closes. The only argument is the memory limit in bytes."""
    confine(int(sys.argv[1]))
    jobs, answers = sys.stdin.buffer, _claim_output()
    while (job := receive_job(jobs)) is not None:
        send(answers, work(job))


def confine(memory: int) -> None:
    """Limit what this process may use, as far as the system can: address space, open files, no file written."""
    if sys.platform == "win32":
        return
    import resource

    _limit(resource.RLIMIT_AS, memory)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_NOFILE, _OPEN_FILES)


def work(job: Job) -> Answer:
    """Do one job."""
    try:
        if isinstance(job, Measure):
            return _measure(job)
        source = Path(os.fsdecode(job.path)) if job.path else job.data
        return Made(rendered=render(source, job.derivative, pixel_limit=job.pixel_limit))
    except UnreadableFile as error:
        return Refused(message=error.message, exhausted=isinstance(error.__cause__, MemoryError))
    except MemoryError:
        return Refused(message="The picture needs more memory than this instance gives", exhausted=True)


def _measure(job: Measure) -> Measured:
    with open_picture(Path(os.fsdecode(job.path)), pixel_limit=job.pixel_limit) as image, decoding():
        mime, animated, full = mime_of(image), is_animated(image), image.size
        if not job.pixel_hash and not job.thumbnails:
            image.draft("RGB", (128, 128))
        load(image)
        facts = measure_image(image, mime=mime, animated=animated, full=full, pixel_hash=job.pixel_hash)
        thumbnails = tuple(render_image(image, wish) for wish in job.thumbnails)
    return Measured(facts=facts, thumbnails=thumbnails)


def _limit(kind: int, value: int) -> None:
    import resource

    hard = resource.getrlimit(kind)[1]
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(kind, (value, value))


def _claim_output() -> BinaryIO:
    """Standard output for answers alone: whatever a library prints goes to standard error."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return answers


if __name__ == "__main__":
    main()
