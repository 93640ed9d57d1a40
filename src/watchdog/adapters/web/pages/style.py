"""The one stylesheet: light and dark by the reader's setting, usable 360 pixels wide and at 200 %, printable."""

from watchdog.drawing import stylesheet

_PAGE = """
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;scroll-padding-top:1rem}
body{margin:0;background:var(--wd-paper);color:var(--wd-ink);
font:1rem/1.5 system-ui,-apple-system,'Segoe UI','DejaVu Sans',sans-serif;overflow-wrap:anywhere}
header,main,footer{max-width:1080px;margin:0 auto;padding:0 24px}
.top{display:flex;flex-wrap:wrap;gap:4px 16px;align-items:center;padding-top:20px;padding-bottom:8px}
.top .name{font-weight:650;font-size:1.1rem;margin-right:auto}.top .name a{color:inherit;text-decoration:none}
.top .name svg{vertical-align:-4px;margin-right:8px}
.strip{display:flex;flex-wrap:wrap;gap:6px 8px;min-width:0}
.strip .badge{white-space:normal;border-radius:14px;max-width:100%}
main{padding-bottom:48px}footer{padding-bottom:32px;color:var(--wd-faint);font-size:.9rem}
h1{font-size:1.7rem;line-height:1.2;margin:12px 0 10px}h2{font-size:1.2rem;margin:36px 0 10px}
h3{font-size:1.05rem;margin:0 0 4px}p{margin:6px 0;max-width:76ch}
a{color:var(--wd-value)}code,pre{font:.86rem/1.5 ui-monospace,'DejaVu Sans Mono',monospace}
pre{white-space:pre-wrap;margin:8px 0;padding:10px 12px;border-radius:6px;background:var(--wd-soft)}
.skip{position:absolute;left:-999px}.skip:focus{left:12px;top:8px;background:var(--wd-paper);padding:6px 10px;z-index:1}
.faint{color:var(--wd-faint)}.lead{font-size:1.15rem}.nowrap{white-space:nowrap}
.quiet{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.badge{display:inline-block;max-width:min(100%,22em);overflow:hidden;text-overflow:ellipsis;vertical-align:bottom;
margin:1px 0;border-radius:999px;padding:1px 10px;font-size:.86rem;font-weight:600;white-space:nowrap;
border:1px solid var(--tone);color:var(--tone)}
.b-good{--tone:var(--wd-good)}.b-bad{--tone:var(--wd-bad)}.b-doubt{--tone:var(--wd-doubt)}
.b-live{--tone:var(--wd-value)}.b-none{--tone:var(--wd-faint)}
.card{border:1px solid var(--wd-frame);border-radius:10px;padding:16px 20px;margin:0 0 16px}
.card.t-bad{border-left:5px solid var(--wd-bad)}.card.t-doubt{border-left:5px solid var(--wd-doubt)}
.card.t-live{border-left:5px solid var(--wd-value)}.card.t-good{border-left:5px solid var(--wd-good)}
.row{display:flex;flex-wrap:wrap;gap:4px 12px;align-items:baseline}.row h2,.row h3{margin:0 auto 0 0;font-size:1.15rem}
.sides{display:grid;grid-template-columns:1fr 1fr;gap:4px 24px;margin:8px 0}
.sides>p{margin:0}.sides b,.label{display:block;font-size:.82rem;font-weight:600;color:var(--wd-faint)}
.bar{display:block;width:100%;margin:6px 0 2px}
#lost{position:sticky;top:0;z-index:2;max-width:none;margin:0;padding:10px 24px;background:var(--wd-soft);
border-bottom:4px solid var(--wd-bad);font-weight:600}#lost~header .b-good{display:none}
.note{border-left:4px solid var(--wd-doubt);padding:4px 12px;margin:10px 0}
table{border-collapse:collapse;width:100%;font-size:.93rem;font-variant-numeric:tabular-nums;margin-top:10px}
th,td{text-align:left;padding:7px 14px 7px 0;border-bottom:1px solid var(--wd-grid);vertical-align:top;
font-weight:400}
thead th{font-weight:600;color:var(--wd-faint);font-size:.82rem;border-bottom-color:var(--wd-frame)}
tbody th{font-weight:600}tbody tr:last-child>*{border-bottom:0}
td>.why,th>.why{max-width:56ch}td time,th time{white-space:nowrap}
.b-good>.tone,.b-bad>.tone,.b-doubt>.tone,.b-none>.tone,.tone.b-good,.tone.b-bad,.tone.b-doubt{color:var(--tone);
font-weight:700}
@media(min-width:40.06em){tbody th{min-width:15em}td[data-head]{min-width:5em}
td[data-head^=evidence]{min-width:15em}tbody th.when{min-width:0}}
.why{display:block;color:var(--wd-faint);font-size:.88rem;font-weight:400}
dl{display:grid;grid-template-columns:max-content 1fr;gap:4px 20px;margin:10px 0}
dt{color:var(--wd-faint)}dd{margin:0}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(320px,100%),1fr));gap:0 40px}
ol.line{list-style:none;margin:10px 0;padding:0;border-left:2px solid var(--wd-frame)}
ol.line li{position:relative;padding:2px 0 10px 22px}
ol.line li::before{content:'';position:absolute;left:-7px;top:9px;width:12px;height:12px;border-radius:50%;
background:var(--wd-paper);border:3px solid var(--tone,var(--wd-faint))}
ol.line .when{color:var(--wd-faint);font-size:.9rem;margin-right:10px;font-variant-numeric:tabular-nums}
ul.plain{list-style:none;padding:0;margin:8px 0}ul.plain li{padding:3px 0}
ul.plain li>b{display:block;padding-left:1.2em}
.wide{overflow-x:auto;margin:10px 0}svg.wd{display:block;max-width:100%;height:auto}
svg.wd.bar{height:10px;border-radius:5px}svg.wd-small{display:inline-block;vertical-align:middle;margin-right:8px;max-width:none}
.only-narrow{display:none}
nav.jump{display:flex;flex-wrap:wrap;gap:0 20px;margin:4px 0}.jump a{padding:6px 0}
details{margin:8px 0}summary{cursor:pointer;padding:4px 0}
details.filter{margin:0 0 4px}details.filter>summary{font-size:.93rem;color:var(--wd-faint)}
form.filter{display:flex;flex-wrap:wrap;gap:10px 16px;align-items:end;margin:4px 0 14px}
form.filter label{font-size:.86rem;color:var(--wd-faint)}
select,button{display:block;font:inherit;color:var(--wd-ink);background:var(--wd-paper);min-height:36px;
border:1px solid var(--wd-frame);border-radius:6px;padding:4px 10px;max-width:100%}
button{cursor:pointer;font-weight:600}
:focus-visible{outline:3px solid var(--wd-value);outline-offset:2px;border-radius:4px}
@media(max-width:40em){header,main,footer{padding-left:14px;padding-right:14px}.card{padding:12px 14px}
h1{font-size:1.4rem}.sides{grid-template-columns:1fr}dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:8px}
thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
table,tbody,tr,tbody th,td{display:block}tbody tr{padding:8px 0;border-bottom:1px solid var(--wd-grid)}
tbody tr:last-child{border:0}tbody th,td{border:0;padding:2px 0}
td.none{display:none}td.near{display:inline-block;margin-right:18px}
td[data-head]::before{content:attr(data-head) ': ';color:var(--wd-faint);font-size:.86rem}
td[data-head=verdict]::before{content:''}
.wide svg.wd{max-width:none;width:640px}.only-broad{display:none}
.only-narrow{display:block;margin:10px 0}.only-narrow svg.wd{width:100%;max-width:30em}
form.filter label,select,button{width:100%}}
@media print{header.top form,.skip,form.filter{display:none}.card{break-inside:avoid}}
@media(prefers-reduced-motion:no-preference){.b-live>span{animation:breathe 2.4s ease-in-out infinite}
@keyframes breathe{50%{opacity:.35}}}
"""

# Words in a warning colour must be read as easily as any other: darker than the same colour of a line.
_MORE_LIGHT = "--wd-bad:#B34700;--wd-soft:#F4F6F8;"
_MORE_DARK = "--wd-bad:#FF9B5E;--wd-soft:#161C24;"

STYLE = (
    stylesheet().replace(".wd{--", ":root,.wd{--")
    + f":root{{{_MORE_LIGHT}}}@media(prefers-color-scheme:dark){{:root{{{_MORE_DARK}}}}}"
    + _PAGE.replace("\n", "")
)
"""All of it. The page takes the pictures' colours: where `.wd` sets them, the page's root does as well."""
