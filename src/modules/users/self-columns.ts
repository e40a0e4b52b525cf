import { users } from '../../db/schema/people.js'

/** What a user may see of himself, and nothing that signs him in. */
export const selfColumns = {
  id: users.id,
  email: users.email,
  username: users.username,
  firstName: users.firstName,
  lastName: users.lastName,
  avatarUrl: users.avatarUrl,
  timeZone: users.timeZone,
  createdAt: users.createdAt,
}
