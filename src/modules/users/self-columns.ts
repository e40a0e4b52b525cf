import { personColumns } from '../../db/person-columns.js'
import { users } from '../../db/schema/people.js'

/** What a user may see of himself, and nothing that signs him in. */
export const selfColumns = {
  ...personColumns,
  email: users.email,
  timeZone: users.timeZone,
  createdAt: users.createdAt,
}
