import { BOT } from './state.ts';
import { notFound, ok, page, refused, text, userOf, type Call, type Handlers } from './call.ts';
import { teamShape } from './environments.ts';

export const people: Handlers = {
  'GET /user': (call) =>
    call.login === BOT
      ? refused(403, 'Resource not accessible by integration')
      : ok(userOf(call, call.login)),
  'GET /users/{username}': (call) => {
    const login = loginOf(call, text(call.params['username']));
    return login === undefined ? notFound() : ok(userOf(call, login));
  },
  'GET /orgs/{org}/teams/{team_slug}': (call) => {
    const name = `${call.params['org']}/${call.params['team_slug']}`;
    const team = call.state.teams[name];
    return team ? ok(teamShape(name, team.id)) : notFound();
  },
  'GET /orgs/{org}/teams/{team_slug}/memberships/{username}': (call) => {
    const team = call.state.teams[`${call.params['org']}/${call.params['team_slug']}`];
    const login = text(call.params['username']);
    return team?.members.includes(login) ? ok({ state: 'active', role: 'member' }) : notFound();
  },
  'GET /installation/repositories': (call) =>
    call.login === BOT
      ? page(call, [call.repo], (name) => ({ name, full_name: `${call.owner}/${name}` }), 'repositories')
      : refused(403, 'You must authenticate with an installation access token'),
  'GET /repos/{owner}/{repo}/collaborators': (call) =>
    page(
      call,
      Object.entries(call.state.users).filter(([, user]) => user.permission !== 'none'),
      ([login, user]) => ({ ...userOf(call, login), role_name: user.permission }),
    ),
  'GET /repos/{owner}/{repo}/collaborators/{username}/permission': (call) => {
    const login = loginOf(call, text(call.params['username']));
    if (login === undefined) return notFound();
    const role = call.state.users[login]?.permission ?? 'none';
    // As GitHub does it: two roles are folded into the older names.
    const permission = role === 'maintain' ? 'write' : role === 'triage' ? 'read' : role;
    return ok({ permission, role_name: role, user: userOf(call, login) });
  },
  'GET /rate_limit': () => ok({ resources: {}, rate: { limit: 5000, used: 0, remaining: 5000, reset: 0 } }),
};

/** GitHub does not mind the case of a login. */
function loginOf(call: Call, login: string): string | undefined {
  return Object.keys(call.state.users).find((known) => known.toLowerCase() === login.toLowerCase());
}
