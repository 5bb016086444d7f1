"""Who acts in a realistic tenant: people in three time zones, API keys of CI, and the vendor's own scheduler."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from fake_endor_api.payloads import pick

if t.TYPE_CHECKING:
    from random import Random

DOMAIN = "acme.example"
_FIRST = ("ada", "bela", "chen", "dora", "emil", "farah", "goran", "hana", "ines", "jonas", "kavya", "lena")
_LAST = ("berg", "costa", "dietz", "eriksen", "farkas", "gupta", "haas", "iyer", "jansen", "kowalski")
_OFFICES = ((1, "10.10.4"), (-5, "10.20.8"), (5, "10.30.16"))
_ISSUER = "https://api.endorlabs.com/v1"
_ADMINS = 5
_PEOPLE = 36
_KEYS = 14
# How Kubernetes names pods: without vowels and digits that look like letters.
_POD = "bcdfghjklmnpqrstvwxz2456789"


@dataclass(frozen=True)
class Identity:
    """What an event says of who did it."""

    claims: tuple[str, ...]
    created_by: str


@dataclass(frozen=True)
class Person:
    """Somebody who works at the tenant.

    Attributes:
        email: the address.
        identity: what events say.
        offset: hours that the local time is ahead of UTC.
        begins: local hour at which the day begins.
        office: network at work.
        home: network at home.
        joins: share of the log after which the first day is.
    """

    email: str
    identity: Identity
    offset: int
    begins: int
    office: str
    home: str
    joins: float


@dataclass(frozen=True)
class Key:
    """An API key that CI scans with.

    Attributes:
        owner: who made it.
        number: which of the owner's it is.
        network: where its jobs run; None: each on a runner of its own.
        rotates: share of the log after which another key takes its place.
    """

    owner: Person
    number: int
    network: str | None
    rotates: float

    def identity(self, passed: float) -> Identity:
        """Return what events say after that share of the log."""
        generation = int(passed >= self.rotates)
        return key_identity(self.owner.email, f"{self.number}{generation}")


@dataclass(frozen=True)
class Cast:
    """All who act.

    Attributes:
        people: the first five are administrators.
        keys: API keys of CI.
    """

    people: tuple[Person, ...]
    keys: tuple[Key, ...]

    @property
    def admins(self) -> tuple[Person, ...]:
        """Return the administrators."""
        return self.people[:_ADMINS]


def make_cast(rng: Random) -> Cast:
    """Return who acts."""
    names = [f"{first}.{last}" for first in _FIRST for last in _LAST]
    people = tuple(_person(rng, name, number) for number, name in enumerate(rng.sample(names, _PEOPLE)))
    keys = tuple(
        Key(
            owner=people[number % 8],
            number=number,
            network=None if number % 3 else f"10.40.{number}",
            rotates=0.1 + 0.85 * rng.random(),
        )
        for number in range(_KEYS)
    )
    return Cast(people, keys)


def _person(rng: Random, name: str, number: int) -> Person:
    offset, office = _OFFICES[number % len(_OFFICES)]
    email = f"{name}@{DOMAIN}"
    first, last = name.split(".")
    provider = pick(rng, ("google", "github@google"))
    return Person(
        email=email,
        identity=Identity(
            claims=(
                f"ID={rng.getrandbits(120)}",
                f"user={email}@{provider}",
                f"email={email}",
                f"domain={DOMAIN}",
                f"firstname={first.title()}",
                f"lastname={last.title()}",
                f"nickname={first}",
                "issuer=https://accounts.google.com",
                "source_type=google",
            ),
            created_by=f"{email}@{provider}",
        ),
        offset=offset,
        begins=rng.randrange(7, 11),
        office=office,
        home=home_network(rng),
        # Some join in the course of the log.
        joins=0.0 if number < _PEOPLE - 3 else 0.4 + 0.4 * rng.random(),
    )


def key_identity(email: str, number: str) -> Identity:
    """Return what events say of somebody's API key."""
    identifier = int.from_bytes(f"{email}{number}".encode(), "big") % (1 << 120)
    return Identity(
        claims=(
            f"ID={identifier}",
            f"email={email}",
            f"user={email}@google@api-key",
            f"issuing_user={email}@google",
            f"issuer={_ISSUER}",
            "api-key",
        ),
        created_by=f"{email}@google@api-key",
    )


SCHEDULER = Identity(
    claims=(
        "ID=19946263398469405566117368291178288812",
        "email=scheduler",
        "email=scheduler@endor.ai",
        "user=scheduler@endor.ai@x509",
        "user=scheduler@x509",
        "x509",
        f"issuer={_ISSUER}",
    ),
    created_by="scheduler@endor.ai@x509",
)
"""The vendor's scheduler, as its documentation shows it."""


def pod(rng: Random, run: int) -> Identity:
    """Return what events say of a job in Kubernetes, whose name is another at each run."""
    name = f"onprem-scan-{run}-{''.join(pick(rng, _POD) for _ in range(5))}@k8s"
    return Identity(claims=(f"ID={rng.getrandbits(120)}", f"user={name}", f"issuer={_ISSUER}"), created_by=name)


def outsider(rng: Random) -> str:
    """Return an address of another organization."""
    return (
        f"{pick(rng, _FIRST)}{rng.getrandbits(10)}@{pick(rng, ('mail.example', 'freelance.example', 'post.example'))}"
    )


def home_network(rng: Random) -> str:
    """Return a network of a provider of homes: of the range that is set aside for benchmarks."""
    return f"198.{18 + rng.getrandbits(1)}.{rng.getrandbits(8)}"


def runner_address(rng: Random) -> str:
    """Return an address that is hardly met twice: of the range that nobody has."""
    return f"{240 + rng.getrandbits(3)}.{rng.getrandbits(8)}.{rng.getrandbits(8)}.{1 + rng.getrandbits(7)}"
