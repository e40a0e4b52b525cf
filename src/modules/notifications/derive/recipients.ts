import { type SQL, sql } from 'drizzle-orm'
import { notificationTypes } from '../notifications.contract.js'

// Fragments for statements that find out who is to be notified of what.

const order = sql.raw(`array[${notificationTypes.map(type => `'${type}'`)}]`)

/** The place of a type among those that hold for one event: the first is told. */
export const precedence = (type: SQL): SQL<number> => sql`array_position(${order}, ${type})`

/** Whether a user can be notified, and wants to be, of what is of that type. */
export const wants = (userId: SQL, type: SQL): SQL<boolean> => sql`(
  exists (select 1 from users u where u.id = ${userId} and u.disabled_at is null)
  and not exists (
    select 1 from notification_settings s where s.user_id = ${userId} and ${type} = any(s.muted_types)))`
