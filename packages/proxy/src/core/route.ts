// Routing: which backend a request goes to, by its path. The first rule whose condition is true decides. The path is
// what stands before `?`, as it came: never decoded or normalised.
import { isPath, pathBegins, pathEnds, type RequestHeadParser } from '@tospann/http';
import type { BackendPlan, FrontendPlan, PathAcl } from './plan.ts';

/** The backend for the request that the parser holds. */
export function route(frontend: FrontendPlan, request: RequestHeadParser): BackendPlan | null {
  const acls = frontend.acls;
  for (let i = 0; i < acls.length; i++) {
    if (aclMatches(acls[i]!, request)) return frontend.uses[i]!;
  }
  return frontend.defaultBackend;
}

/** Whether any of the condition's lists matches: path, path_beg, path_end. */
export function aclMatches(acl: PathAcl, request: RequestHeadParser): boolean {
  for (let i = 0; i < acl.prefix.length; i++) if (pathBegins(request, acl.prefix[i]!)) return true;
  for (let i = 0; i < acl.suffix.length; i++) if (pathEnds(request, acl.suffix[i]!)) return true;
  for (let i = 0; i < acl.exact.length; i++) if (isPath(request, acl.exact[i]!)) return true;
  return false;
}
