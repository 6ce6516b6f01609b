"""A client for Civitai, Pinako and whatever else speaks their interface. It needs only the base install.

from pinako.client import Client

with Client("https://civitai.com", api_key="…") as client:
    for image in client.images(username="paper_fox"):
        print(image.id, image.url)
"""

from pinako.client.clients import AsyncClient, Client
from pinako.client.credentials import Credential, CredentialStore, check_credential, read_credential
from pinako.client.exchange import Retries
from pinako.client.listings import AsyncListing, Listing
from pinako.client.options import CIVITAI, Options
from pinako.client.pace import POLITE, UNPACED, Pace, Politeness
from pinako.client.paging import Ending, Page
from pinako.client.sending import Timeouts

__all__ = [
    "CIVITAI",
    "POLITE",
    "UNPACED",
    "AsyncClient",
    "AsyncListing",
    "Client",
    "Credential",
    "CredentialStore",
    "Ending",
    "Listing",
    "Options",
    "Pace",
    "Page",
    "Politeness",
    "Retries",
    "Timeouts",
    "check_credential",
    "read_credential",
]
