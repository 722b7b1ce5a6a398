// Routing: which backend a request goes to, by its path alone. The first rule whose condition is true decides. The path is
// what stands before `?`, in normal form unless the configuration says otherwise.
import { isPath, pathBegins, pathEnds } from '@tospann/http';
import type { Engine } from './engine.ts';
import type { BackendPlan, FrontendPlan, PathAcl } from './plan.ts';
import { Span } from './rules/spans.ts';

const path = new Span();

/** The backend for the request that the engine's parser holds. */
export function route(engine: Engine, frontend: FrontendPlan): BackendPlan | null {
  const acls = frontend.acls;
  if (acls.length === 0) return frontend.defaultBackend;
  if (frontend.normalizes) engine.path.findNormal(path);
  else engine.path.find(path);
  for (let i = 0; i < acls.length; i++) {
    if (aclMatches(acls[i]!, path)) return frontend.uses[i]!;
  }
  return frontend.defaultBackend;
}

/** Whether any of the condition's lists matches: path, path_beg, path_end. */
function aclMatches(acl: PathAcl, asked: Span): boolean {
  for (let i = 0; i < acl.prefix.length; i++) if (pathBegins(asked, acl.prefix[i]!)) return true;
  for (let i = 0; i < acl.suffix.length; i++) if (pathEnds(asked, acl.suffix[i]!)) return true;
  for (let i = 0; i < acl.exact.length; i++) if (isPath(asked, acl.exact[i]!)) return true;
  return false;
}
