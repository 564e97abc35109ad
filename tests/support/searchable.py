"""Documents that a search may find, put into the index without a CouchDB."""

import secrets
from dataclasses import dataclass, field
from typing import Any

from search import index
from storage import database_names

MONTH, PIN = "202611", "99988877766655"
_FIRST_TIME = 63_900_000_000


@dataclass
class Tenant:
    """An account with a user, a mailbox and messages of two callers, the second of whom called twice."""

    name: str
    id: str = field(default_factory=lambda: secrets.token_hex(16))

    @property
    def realm(self) -> str:
        """Its realm."""
        return f"{self.id[:8]}.example.org"

    @property
    def database(self) -> str:
        """The name of its database."""
        return database_names.account_db(self.id)

    @property
    def modb(self) -> str:
        """The name of its database of a month."""
        return database_names.modb(self.id, MONTH)

    def message_id(self, number: int) -> str:
        """The id of a message, by which nothing else is found."""
        return f"{MONTH}-{self.id[::-1][:24]}{number:08x}"

    @property
    def box_id(self) -> str:
        """The id of its mailbox."""
        return f"b0{self.id[2:]}"

    @property
    def user_id(self) -> str:
        """The id of its user."""
        return f"a0{self.id[2:]}"

    def documents(self) -> list[dict[str, Any]]:
        """The documents of its database."""
        return [
            {"_id": self.id, "pvt_type": "account", "name": self.name, "realm": self.realm, "pvt_api_key": "k3yk3y"},
            {
                "_id": self.user_id,
                "pvt_type": "user",
                "first_name": "Jane",
                "last_name": "O'Brien",
                "username": "jane.obrien",
                "email": f"jane@{self.realm}",
                "password": "pa55word",
            },
            {
                "_id": self.box_id,
                "pvt_type": "vmbox",
                "mailbox": "1001",
                "aliases": ["7001"],
                "name": "Front desk",
                "pin": PIN,
            },
        ]

    def messages(self) -> list[dict[str, Any]]:
        """The documents of its messages."""
        callers = (("+14155550123", "Ada Lovelace"), ("+442079460018", "Grace"), ("+442079460018", "Grace"))
        texts = ("Please call about the crooked invoice", "Good morning", "")
        return [
            message(self, number, caller, name, {"text": text})
            for number, ((caller, name), text) in enumerate(zip(callers, texts, strict=True))
        ]

    def store(self) -> "Tenant":
        """It, after its documents were put into the index."""
        index.put_documents(self.database, self.documents())
        index.put_documents(self.modb, self.messages())
        return self


def message(tenant: Tenant, number: int, caller: str, name: str, transcription: Any) -> dict[str, Any]:
    """The document of a message; a higher number is later."""
    return {
        "_id": tenant.message_id(number),
        "pvt_type": "mailbox_message",
        "source_id": tenant.box_id,
        "transcription": transcription,
        "metadata": {
            "caller_id_number": caller,
            "caller_id_name": name,
            "call_id": f"call-{number}-{tenant.id[:12]}@10.0.0.1",
            "from": f"{caller}@{tenant.realm}",
            "timestamp": _FIRST_TIME + number,
            "folder": "new",
        },
    }
