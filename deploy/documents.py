"""The OpenAPI and AsyncAPI documents as the services themselves serve them, written into a folder.

usage: python -m deploy.documents FOLDER
"""

import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path

import httpx

from deploy.local.control import running
from deploy.local.folders import default_folders
from deploy.local.local_tokens import service_name
from deploy.local.stack import Stack

DOCUMENTS = ("openapi.json", "asyncapi.json")


def main(arguments: list[str]) -> int:
    """Returns the exit code."""
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in asyncio.run(_documents()).items():
        (folder / name).write_text(text)
        print(folder / name)
    return 0


async def _documents() -> Mapping[str, str]:
    state = running(default_folders())
    if state is not None and state.ready:
        return await fetch(state.apis)
    async with Stack(say=lambda text: print(text, file=sys.stderr)) as stack:
        return await fetch(stack.urls)


async def fetch(apis: Mapping[str, str]) -> Mapping[str, str]:
    """Each document by its file name, indented so that two versions can be compared."""
    found = {}
    async with httpx.AsyncClient(trust_env=False, timeout=30.0) as client:
        for service, address in apis.items():
            for document in DOCUMENTS:
                answer = await client.get(f"{address}/{document}")
                content = json.dumps(answer.raise_for_status().json(), indent=2, sort_keys=True)
                found[f"{service_name(service)}.{document}"] = content + "\n"
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
