// Which user the unprivileged children run as.

/** The user that the package makes; a machine without it (a checkout, a container) has nobody. */
const DEFAULT_USER = 'tospann';

/** The users to try, in order. One that was asked for by name must exist. */
export function usersFor(configured: string): readonly string[] {
  return configured === DEFAULT_USER ? [DEFAULT_USER, 'nobody'] : [configured];
}
