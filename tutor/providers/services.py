"""Services that a learner's own key may be for: nothing else is ever asked with it.

A learner chooses a name, never an address, so that the site cannot be made to ask one inside its network.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:  # of the stubs alone
    from django_stubs_ext import StrPromise


@dataclass(frozen=True)
class Service:
    name: str  # in settings and rows
    title: StrPromise | str
    kind: str
    url: str


KNOWN = {
    service.name: service
    for service in (
        Service("deepseek", "DeepSeek", "openai", "https://api.deepseek.com/v1"),
        Service("openai", "OpenAI", "openai", "https://api.openai.com/v1"),
        Service("anthropic", "Anthropic", "anthropic", "https://api.anthropic.com"),
        Service(
            "dashscope",
            _("Alibaba Cloud Model Studio (Qwen)"),
            "openai",
            "https://dashscope.aliyuncs.com/compatible-mode/v1",
        ),
        Service("zhipu", _("Zhipu (GLM)"), "openai", "https://open.bigmodel.cn/api/paas/v4"),
        Service("moonshot", "Moonshot (Kimi)", "openai", "https://api.moonshot.cn/v1"),
        Service("siliconflow", "SiliconFlow", "openai", "https://api.siliconflow.cn/v1"),
        Service("modelscope", "ModelScope", "openai", "https://api-inference.modelscope.cn/v1"),
        Service("openrouter", "OpenRouter", "openai", "https://openrouter.ai/api/v1"),
    )
}
