import { getLoginFallback } from 'federation-spec/api/client/fallback-pages.ts';
import { login, redirectToSSO } from 'federation-spec/api/client/login.ts';
import type { SignInProvider } from '../../domain/accounts/sso/single-sign-on.ts';
import { type Route, route } from '../http/route.ts';
import { html } from '../pages/html.ts';
import { page } from '../pages/page.ts';

/**
 * Logs in with what was typed, or with the token that single sign-on came back with, and hands the answer to the client that shows the
 * page. What else stands in the query is passed on to the log-in, as the specification has it.
 */
const SCRIPT = `
const query=new URLSearchParams(location.search);
const told=document.getElementById('told');
window.matrixLogin=window.matrixLogin||{};
window.matrixLogin.onLogin=window.matrixLogin.onLogin||(response=>window.onLogin?window.onLogin(response):tell('You are logged in as '+response.user_id+'.'));
function tell(text){told.textContent=text;told.hidden=false}
async function logIn(credentials){
  const extra={};
  for(const name of ['device_id','initial_device_display_name'])if(query.has(name))extra[name]=query.get(name);
  if(query.get('refresh_token')==='true')extra.refresh_token=true;
  try{
    const answer=await fetch('${login.path}',{method:'POST',headers:{'Content-Type':'application/json'},body:JSON.stringify({...extra,...credentials})});
    const body=await answer.json();
    if(answer.ok){told.hidden=true;window.matrixLogin.onLogin(body)}else tell(body.error||'That did not work.');
  }catch{tell('The server cannot be reached.')}
}
document.querySelector('form').addEventListener('submit',event=>{
  event.preventDefault();
  const fields=new FormData(event.target),user=fields.get('user').trim();
  const identifier=/^[^@]+@/.test(user)?{type:'m.id.thirdparty',medium:'email',address:user}:{type:'m.id.user',user};
  logIn({type:'m.login.password',identifier,password:fields.get('password')});
});
const back=new URL(location.href);back.searchParams.delete('loginToken');
for(const sso of document.querySelectorAll('.sso'))sso.href+='?redirectUrl='+encodeURIComponent(back);
if(query.has('loginToken'))logIn({type:'m.login.token',token:query.get('loginToken')});
`;

/** The page to log in with when a client knows none of the flows. https://spec.matrix.org/latest/client-server-api/#login-fallback */
export function loginFallbackRoute({ providers }: { providers: readonly SignInProvider[] }): Route {
  return route(getLoginFallback, async () =>
    page({
      title: 'Log in',
      script: SCRIPT,
      body: html`<p id="told" role="alert" hidden></p>
<form method="post">
<label>User name or e-mail address <input name="user" autocomplete="username" autocapitalize="none" spellcheck="false" required autofocus></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required></label>
<button class="main">Log in</button></form>
${providers.map(({ id, name }) => html`<a class="button sso" href="${redirectToSSO.path}/${id}">Continue with ${name}</a>`)}`,
    }),
  );
}
