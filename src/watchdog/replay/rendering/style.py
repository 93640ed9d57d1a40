"""The stylesheet of the HTML report: light and dark by the reader's setting, usable 360 pixels wide, printable."""

from watchdog.drawing import stylesheet

_PAGE = """
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;scroll-padding-top:1rem}
body{margin:0;background:var(--wd-paper);color:var(--wd-ink);
font:1rem/1.5 system-ui,-apple-system,'Segoe UI','DejaVu Sans',sans-serif}
main{max-width:1064px;margin:0 auto;padding:24px 32px 64px}
h1{font-size:1.6rem;line-height:1.25;margin:0 0 4px}h2{font-size:1.2rem;margin:40px 0 8px}
h3{font-size:1rem;margin:16px 0 4px}p{margin:8px 0;max-width:72ch}
code{font:.9em ui-monospace,'DejaVu Sans Mono',monospace;overflow-wrap:anywhere}
.faint{color:var(--wd-faint)}.lead{font-size:1.15rem;max-width:70ch}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(160px,1fr));gap:12px;
margin:24px 0;padding:0;list-style:none}
.cards li{border:1px solid var(--wd-frame);border-radius:8px;padding:12px 16px}
.cards b{display:block;font-size:1.5rem;line-height:1.2;font-weight:650}
.cards span{color:var(--wd-faint);font-size:.9rem}
.note{border-left:4px solid var(--wd-limit);padding:4px 12px;margin:8px 0;overflow-wrap:anywhere}
.wide{overflow-x:auto;margin:8px 0;border-radius:4px}
.wide:focus-visible,summary:focus-visible,a:focus-visible,label:focus-within{
outline:2px solid var(--wd-value);outline-offset:2px}
table{border-collapse:collapse;width:100%;min-width:640px;font-size:.92rem;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:6px 12px 6px 0;border-bottom:1px solid var(--wd-grid);vertical-align:top}
th{font-weight:600;border-bottom-color:var(--wd-frame)}td.n,th.n{text-align:right}
td.nowrap{white-space:nowrap}td.all{font-weight:650}
details{border-top:1px solid var(--wd-grid)}summary{cursor:pointer;padding:8px 4px}
.group{border:1px solid var(--wd-frame);border-radius:8px;margin:12px 0;padding:0 16px}
.group>summary{font-weight:600}.switch>summary{overflow-wrap:anywhere}
.switch:target{outline:2px solid var(--wd-value);outline-offset:-1px}
.switch>div{padding:0 4px 16px}.badge{font-weight:600;margin-right:6px}
svg.wd{display:block;max-width:none}svg.wd-small{display:inline-block;vertical-align:middle}
.filter{border:0;padding:0;margin:8px 0;display:flex;flex-wrap:wrap;gap:4px 16px}
.filter legend{font-weight:600;padding:0 0 4px}.filter label{
display:inline-flex;gap:6px;align-items:center;overflow-wrap:anywhere}
a{color:var(--wd-value)}.wd a:focus-visible{outline-offset:0}
dl{display:grid;grid-template-columns:max-content 1fr;gap:2px 16px;margin:8px 0;font-size:.92rem}
dt{color:var(--wd-faint)}dd{margin:0;overflow-wrap:anywhere}
@media(max-width:37.5em){main{padding:16px 12px 48px}dl{grid-template-columns:1fr}dd{margin-bottom:6px}
.group{padding:0 8px}
.cards{grid-template-columns:1fr 1fr}.cards li{padding:8px 12px}.cards b{font-size:1.3rem}}
@media print{main{max-width:none;padding:0}.filter{display:none}}
"""

# A word needs more contrast than a line of the same meaning.
_WORDS = (
    ":root{--wd-word:#B34700}@media(prefers-color-scheme:dark){:root{--wd-word:#FF9B5E}}"
    ".badge.breach{color:var(--wd-word)}.badge.muted{color:var(--wd-faint)}"
)
_TONES = ("breach", "good", "doubt", "act", "muted", "ink", "evidence")


def page_style(targets: int) -> str:
    """The stylesheet, with one rule for each target that switches can be filtered by (`t0`, `t1`, ...)."""
    tones = "".join(f".{tone}{{color:var(--wd-{tone})}}" for tone in _TONES)
    filters = "".join(f"main:has(#t{index}:checked) .switch:not(.t{index}){{display:none}}" for index in range(targets))
    # The page takes the pictures' colours: where `.wd` sets them, the page's root does as well.
    return stylesheet().replace(".wd{--", ":root,.wd{--") + _PAGE.replace("\n", "") + tones + _WORDS + filters
