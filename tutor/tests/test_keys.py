"""Keys: stored encrypted, used, rotated, deleted, and never shown or logged."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from tutor.actions import store_key
from tutor.configured import Unreadable, read_services
from tutor.gateway import Caller
from tutor.models import ModelCall, ProviderKey, SiteProvider
from tutor.providers.services import Service
from tutor.tests.makers import answers, ask, chat, fails, fake_provider, make_learner, make_lesson

pytestmark = pytest.mark.django_db

KEY = "sk-learner-0123456789"


def signed_in(client: Client) -> Any:
    learner = make_learner()
    client.force_login(learner)
    return learner


def form(**fields: Any) -> dict[str, Any]:
    return {"service": "deepseek", "model": "deepseek-chat", "key": KEY, **fields}


def offer(settings: Any, url: str) -> None:
    """A service at the test's own provider. Its address is no https, which settings would refuse."""
    settings.MODEL_OWN_KEY_SERVICES = {"deepseek": Service("deepseek", "DeepSeek", "openai", url)}


def test_a_stored_key_is_never_shown_again(client: Client) -> None:
    learner = signed_in(client)

    client.post(reverse("model-key"), form())

    stored = ProviderKey.objects.get(user=learner)
    assert KEY not in stored.encrypted_key
    page = client.get(reverse("model-key")).content.decode()
    assert "deepseek-chat" in page
    assert KEY not in page
    assert stored.encrypted_key not in page


def test_a_mistake_in_the_form_does_not_echo_the_key(client: Client) -> None:
    signed_in(client)

    response = client.post(reverse("model-key"), form(model="", key=KEY))

    assert response.status_code == 400
    assert KEY not in response.content.decode()


def test_services_are_named_in_the_readers_language(client: Client, settings: Any) -> None:
    settings.MODEL_OWN_KEY_SERVICES = read_services(["dashscope", "zhipu"])
    signed_in(client)

    english = client.get("/en/accounts/model-key/").content.decode()
    chinese = client.get("/zh-hans/accounts/model-key/").content.decode()

    assert ">Zhipu (GLM)</option>" in english
    assert ">Alibaba Cloud Model Studio (Qwen)</option>" in english
    assert ">智谱 (GLM)</option>" in chinese


@pytest.mark.parametrize(
    "service", ["https://169.254.169.254/latest", "http://127.0.0.1:6379", "internal", ""]
)
def test_a_key_is_only_for_services_the_site_knows(client: Client, service: str) -> None:
    signed_in(client)

    response = client.post(reverse("model-key"), form(service=service))

    assert response.status_code == 400
    assert not ProviderKey.objects.exists()


def test_a_key_is_not_sent_to_another_service(client: Client) -> None:
    signed_in(client)
    client.post(reverse("model-key"), form())

    response = client.post(reverse("model-key"), form(service="openai", key=""))

    assert response.status_code == 400
    assert ProviderKey.objects.get().service == "deepseek"


def test_the_model_can_be_changed_without_the_key(client: Client) -> None:
    signed_in(client)
    client.post(reverse("model-key"), form())
    before = ProviderKey.objects.get().encrypted_key

    client.post(reverse("model-key"), form(key="", model="deepseek-reasoner"))

    stored = ProviderKey.objects.get()
    assert (stored.model, stored.encrypted_key) == ("deepseek-reasoner", before)


@pytest.mark.parametrize("key", ["short", "sk-with space in it", "sk-with\nnewline-0123"])
def test_what_cannot_be_a_key_is_refused(client: Client, key: str) -> None:
    signed_in(client)

    assert client.post(reverse("model-key"), form(key=key)).status_code == 400


def test_a_key_can_be_deleted(client: Client) -> None:
    signed_in(client)
    client.post(reverse("model-key"), form())

    client.post(reverse("forget-model-key"))

    assert not ProviderKey.objects.exists()


def test_guests_have_no_key(client: Client) -> None:
    assert client.get(reverse("model-key")).status_code == 302


def test_a_learners_key_is_used_for_their_calls_alone(settings: Any, capsys: Any) -> None:
    learner = make_learner()
    with fake_provider(answers("own")) as own, fake_provider(answers("site")) as site:
        offer(settings, own.url)
        settings.MODEL_PROVIDERS = [site.configured()]
        store_key(user=learner, service="deepseek", model="deepseek-chat", key=KEY, before_scripts=False)
        mine = ask(chat("Hi"), caller=Caller(user_id=learner.pk))
        theirs = ask(chat("Hi"), caller=Caller(user_id=make_learner("bob").pk))

    assert mine.line.json["choices"][0]["message"]["content"] == "own"
    assert theirs.line.json["choices"][0]["message"]["content"] == "site"
    assert (own.keys, site.keys) == ([f"Bearer {KEY}"], ["Bearer sk-site"])
    assert own.requests[0]["model"] == "deepseek-chat"
    call = ModelCall.objects.get(user=learner)
    assert (call.own_key, call.cost, call.provider) == (True, None, "deepseek")
    printed = capsys.readouterr()
    assert KEY not in printed.out + printed.err


def test_a_refused_key_is_the_learners_to_mend(settings: Any) -> None:
    learner = make_learner()
    with fake_provider(fails(401, f"Incorrect API key: {KEY}")) as own, fake_provider() as site:
        offer(settings, own.url)
        settings.MODEL_PROVIDERS = [site.configured()]
        store_key(user=learner, service="deepseek", model="m", key=KEY, before_scripts=False)
        asked = ask(chat("Hi"), caller=Caller(user_id=learner.pk))

    assert (asked.line.status, asked.error["code"]) == (401, "provider_key_refused")
    assert site.requests == []  # their calls are not put on the site's bill behind their back
    assert KEY not in ModelCall.objects.get().error_message


@pytest.mark.parametrize(("before_scripts", "expected"), [(True, "own"), (False, "scripted")])
def test_a_learner_chooses_between_their_key_and_scripts(
    settings: Any, before_scripts: bool, expected: str
) -> None:
    learner = make_learner()
    lesson = make_lesson(script='[[reply]]\ntext = "scripted"')
    with fake_provider(answers("own")) as own:
        offer(settings, own.url)
        store_key(user=learner, service="deepseek", model="m", key=KEY, before_scripts=before_scripts)
        asked = ask(chat("Hi"), caller=Caller(user_id=learner.pk, lesson_id=lesson.pk))

    assert asked.line.json["choices"][0]["message"]["content"] == expected


def test_keys_survive_a_change_of_secrets(settings: Any) -> None:
    learner = make_learner()
    settings.FIELD_ENCRYPTION_KEYS = ["old-secret"]
    store_key(user=learner, service="deepseek", model="m", key=KEY, before_scripts=False)
    SiteProvider.objects.create(name="keyless", url="https://example.org/v1", model_names="m")

    settings.FIELD_ENCRYPTION_KEYS = ["new-secret", "old-secret"]
    said = StringIO()
    call_command("rotate_keys", stdout=said)
    assert "may now leave" not in said.getvalue()  # second factors may still need them
    settings.FIELD_ENCRYPTION_KEYS = ["new-secret"]

    with fake_provider(answers("own")) as own:
        offer(settings, own.url)
        ask(chat("Hi"), caller=Caller(user_id=learner.pk))
    assert own.keys == [f"Bearer {KEY}"]


def test_a_key_that_cannot_be_decrypted_is_named_and_not_lost(settings: Any) -> None:
    learner = make_learner()
    settings.FIELD_ENCRYPTION_KEYS = ["old-secret"]
    store_key(user=learner, service="deepseek", model="m", key=KEY, before_scripts=False)
    before = ProviderKey.objects.get().encrypted_key

    settings.FIELD_ENCRYPTION_KEYS = ["new-secret"]
    with pytest.raises(CommandError, match="1 keys of model providers cannot be decrypted"):
        call_command("rotate_keys")

    assert ProviderKey.objects.get().encrypted_key == before
    assert ask(chat("Hi"), caller=Caller(user_id=learner.pk)).error["code"] == "model_not_configured"


def test_an_administrators_provider_answers(settings: Any, admin_client: Client) -> None:
    with fake_provider(answers("added")) as provider:
        fields = {"name": "added", "kind": "openai", "url": provider.url, "key": KEY, "position": 0}
        fields |= {"model_names": "big 1/2\nsmall", "embeddings": "", "is_enabled": "on"}
        assert admin_client.post(reverse("admin:tutor_siteprovider_add"), fields).status_code == 302
        asked = ask(chat("Hi"))

    assert asked.line.json["choices"][0]["message"]["content"] == "added"
    row = SiteProvider.objects.get()
    page = admin_client.get(reverse("admin:tutor_siteprovider_change", args=[row.pk])).content.decode()
    assert KEY not in page
    assert row.encrypted_key not in page
    assert ModelCall.objects.get().model == "big"


def test_services_need_https() -> None:
    assert read_services(["deepseek", "school=https://models.example.org/v1"])["school"].kind == "openai"
    for wrong in ("school=http://10.0.0.1/v1", "unknown", "school=https://user:pass@host/v1"):
        with pytest.raises(Unreadable):
            read_services([wrong])
