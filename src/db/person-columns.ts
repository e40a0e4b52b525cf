import { users } from './schema/people.js'

/** What people may see of each other: the columns of a `person`. */
export const personColumns = {
  id: users.id,
  username: users.username,
  firstName: users.firstName,
  lastName: users.lastName,
  avatarUrl: users.avatarUrl,
}
