"""Print the OpenAPI document, the source of the JavaScript types: `python -m tests.clients.openapi`."""

from __future__ import annotations

import json
import os
import sys


def document() -> str:
    """Return the document as JSON; Django must be set up."""
    from django.core.serializers.json import DjangoJSONEncoder

    from imagesite.api import api

    return json.dumps(api.get_openapi_schema(), cls=DjangoJSONEncoder)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    import django

    django.setup()
    sys.stdout.write(document())
