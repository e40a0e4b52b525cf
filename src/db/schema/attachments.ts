import { sql } from 'drizzle-orm'
import { bigint, check, index, pgTable, text, uniqueIndex, uuid } from 'drizzle-orm/pg-core'
import { id, instant, searchIndex, searchVector } from '../columns.js'
import { users } from './people.js'
import { ofTask } from './work.js'

export const attachments = pgTable(
  'attachments',
  {
    id: id(),
    workspaceId: uuid().notNull(),
    taskId: uuid().notNull(),
    uploaderId: uuid()
      .notNull()
      .references(() => users.id),
    fileName: text().notNull(),
    contentType: text().notNull(),
    size: bigint({ mode: 'number' }).notNull(),
    storageKey: text().notNull(),
    createdAt: instant().notNull().default(sql`now()`),
    deletedAt: instant(),
    /** Punctuation by its names: what counts as a letter depends on the database's locale. */
    search: searchVector().generatedAlwaysAs(
      sql`to_tsvector('simple', translate(file_name, '!"#$%&''()*+,-./:;<=>?@[\\]^_\`{|}~', repeat(' ', 32)))`,
    ),
  },
  t => [
    ofTask(t.workspaceId, t.taskId),
    uniqueIndex().on(t.storageKey),
    index('attachments_by_task').on(t.taskId, t.createdAt, t.id),
    index('attachments_by_workspace').on(t.workspaceId, t.size).where(sql`${t.deletedAt} is null`),
    searchIndex('attachments_search', t.search),
    check('attachments_size', sql`${t.size} >= 0`),
  ],
)
