"""Tell what a job is and was: name, tags, dates, input, options."""

from __future__ import annotations

import copy
import logging
from datetime import datetime
from typing import Any, Dict, List, Optional

from qiskit.providers.models import BackendProperties
from qiskit.pulse import LoConfig
from qiskit.pulse.channels import DriveChannel, MeasureChannel

from ..interop import models
from ..store import JobRecord, Store
from . import checks
from .exceptions import IBMQBackendValueError, IBMQJobInvalidStateError, provider_errors
from .status import local_time

__all__ = ["JobFacts"]

logger = logging.getLogger(__name__)
KEPT_TAGS = "ibmq_jobset_"  # tags of job sets, which survive updates


class JobFacts:
    """The part of a job that reads and updates its record."""

    _record: JobRecord
    _store: Store
    _backend: Any

    def _refresh(self) -> None:
        raise NotImplementedError

    def _stored_status(self) -> str:
        raise NotImplementedError

    def backend(self) -> Any:
        """Return the backend; None if it cannot be made here."""
        return self._backend

    def creation_date(self) -> datetime:
        """Return when the job was created, local time."""
        return local_time(self._record.created)

    def time_per_step(self) -> Optional[Dict[str, datetime]]:
        """Return when each status was reached, local time."""
        self._stored_status()
        self._refresh()
        return {step: local_time(when) for step, when in self._record.steps.items()} or None

    def name(self) -> Optional[str]:
        """Return the name, or None."""
        return self._record.name

    def tags(self) -> List[str]:
        """Return a copy of the tags."""
        return list(self._record.tags)

    def share_level(self) -> str:
        """Return who else sees the job."""
        return self._record.share_level

    @property
    def experiment_id(self) -> Optional[str]:
        """The experiment that the job belongs to."""
        return self._record.experiment_id

    @property
    def client_version(self) -> Dict[str, str]:
        """The versions of the software that made the job."""
        return dict(self._record.client_version)

    def scheduling_mode(self) -> Optional[str]:
        """Return 'fairshare' once the job runs, else None."""
        return "fairshare" if self._stored_status() in ("RUNNING", "COMPLETED") else None

    def properties(self) -> Optional[BackendProperties]:
        """Return the backend's properties as they were for this job."""
        if self._record.device is None:
            return None
        with provider_errors():
            return models.properties_from(self._store.get_document(self._record.device)["properties"])

    def header(self) -> Dict[str, Any]:
        """Return the header, the backend's name and version included."""
        return dict(self._record.header)

    def backend_options(self) -> Dict[str, Any]:
        """Return the options that were used.

        LO frequencies are in Hz, ``rep_time`` and ``rep_delay`` in
        microseconds, ``schedule_los`` are LoConfigs.
        """
        options = dict(self._record.options)
        if options.get("schedule_los"):
            options["schedule_los"] = [LoConfig(_channels(entry)) for entry in options["schedule_los"]]
        return options

    def circuits(self) -> List[Any]:
        """Return the input as it was, bound and repeated as it ran.

        Scheduled blocks come back as Schedules; [] where nothing was stored.
        """
        from .payload import decode

        self._await_payload()
        if self._record.payload is None:
            return []
        with provider_errors():
            document = self._store.get_document(self._record.payload)
            experiments, binds = decode(document)
        if binds is not None:
            experiments = [e.assign_parameters(_of(e, bind), inplace=False) for e in experiments for bind in binds]
        if len(experiments) == 1:  # a sweep of LOs repeats it
            experiments += [copy.copy(experiments[0]) for _ in range(self._record.experiments - 1)]
        return experiments

    def _await_payload(self) -> None:
        """Wait for the writer thread, which stores the input after run()."""
        from .runner import flush

        if self._record.payload is None:
            flush()
            with provider_errors():
                self._record = self._store.get(self._record.id) or self._record

    def qobj(self) -> None:
        """Return None: this backend makes no Qobj (deprecated upstream, too)."""

    # updates

    def _may_change(self) -> bool:
        return self._record.user == self._store.identity.user

    def _change(self, **changes: Any) -> None:
        if not self._may_change():
            raise IBMQJobInvalidStateError(
                f"Job {self._record.id} must be your own to be changed, but it is {self._record.user}'s."
            )
        with provider_errors():
            self._store.update(self._record.id, **changes)
        for field, value in changes.items():
            setattr(self._record, field, value)

    def update_name(self, name: str) -> str:
        """Rename the job, and return the name.

        Raises:
            IBMQJobInvalidStateError: no str that ``run`` takes as job_name.
        """
        self._change(name=_allowed(checks.text, "name", name))
        return name

    def update_tags(
        self,
        replacement_tags: Optional[List[str]] = None,
        additional_tags: Optional[List[str]] = None,
        removal_tags: Optional[List[str]] = None,
    ) -> List[str]:
        """Replace, then add, then remove tags, and return them.

        Raises:
            IBMQJobInvalidStateError: none of the three given, or one of them
                no list of str.
        """
        given = {"replacement_tags": replacement_tags, "additional_tags": additional_tags, "removal_tags": removal_tags}
        if all(value is None for value in given.values()):
            raise IBMQJobInvalidStateError(f"One of the arguments {', '.join(given)} must be given, but none came.")
        for name, value in given.items():
            if value is not None:
                _allowed(checks.tags, name, value)
        tags = list(self._record.tags)
        kept = [t for t in tags if t.startswith(KEPT_TAGS)]
        if replacement_tags is not None:
            tags = [*replacement_tags, *kept]
        tags += additional_tags or []
        for tag in removal_tags or []:
            if tag.startswith(KEPT_TAGS) or tag not in tags:
                logger.warning("The tag %r of job %s cannot be removed or is not there.", tag, self._record.id)
        tags = [t for t in dict.fromkeys(tags) if t not in (removal_tags or []) or t.startswith(KEPT_TAGS)]
        self._change(tags=tags)
        return list(tags)


def _allowed(check: checks.Check, name: str, value: Any) -> Any:
    """Return what ``run`` would take, too."""
    try:
        return check(name, value)
    except IBMQBackendValueError as error:
        raise IBMQJobInvalidStateError(str(error)) from None


def _channels(entry: Dict[str, float]) -> Dict[Any, float]:
    kinds = {"d": DriveChannel, "m": MeasureChannel}
    return {kinds[name[0]](int(name[1:])): value for name, value in entry.items()}


def _of(experiment: Any, bind: Dict[Any, Any]) -> Dict[Any, Any]:
    return {p: v for p, v in bind.items() if p in experiment.parameters}
