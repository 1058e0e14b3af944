"""What each service process is told by its environment."""

from collections.abc import Mapping

from deploy.local.databases import ServiceUrls, Urls
from deploy.local.keys import Keys
from deploy.local.local_tokens import AUDIENCE_PREFIX, ISSUER
from deploy.local.ports import HOST, Ports


def service_environment(
    service: str, process: str, *, urls: Urls, bus_url: str, ports: Ports, keys: Keys
) -> Mapping[str, str]:
    """The settings of one process (api, worker or migrate) of a service: of the database roles only its own."""
    return {
        **_database_roles(urls.services[service], bus_url)[process],
        "AUTH_ISSUER": ISSUER,
        "AUTH_AUDIENCE_PREFIX": AUDIENCE_PREFIX,
        "AUTH_JWKS": str(keys.jwks),
        "SEAL_KEYS": keys.seal,
        "MATCH_KEY": keys.match,
        "VAULT_KEYS": keys.vault,
        "HTTP_HOST": HOST,
        "HTTP_PORT": str(ports.apis[service]),
        "WORKER_HTTP_PORT": str(ports.workers[service]),
        "PUBLIC_URL": f"http://{HOST}:{ports.apis[service]}",
        "SMTP_HOST": HOST,
        "SMTP_PORT": str(ports.smtp),
        "LOG_FORMAT": "json",
    }


def _database_roles(own: ServiceUrls, bus_url: str) -> Mapping[str, Mapping[str, str]]:
    intake = {"DATABASE_INTAKE_URL": own.intake} if own.intake else {}
    return {
        "migrate": {"DATABASE_OWNER_URL": own.owner},
        "api": {"DATABASE_API_URL": own.api, "BUS_URL": bus_url, **intake},
        "worker": {"DATABASE_WORKER_URL": own.worker, "BUS_URL": bus_url},
    }
