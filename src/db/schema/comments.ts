import { sql } from 'drizzle-orm'
import { foreignKey, index, pgTable, text, unique, uuid } from 'drizzle-orm/pg-core'
import { id, instant, searchIndex, searchVector } from '../columns.js'
import { users } from './people.js'
import { ofTask } from './work.js'

export const comments = pgTable(
  'comments',
  {
    id: id(),
    workspaceId: uuid().notNull(),
    taskId: uuid().notNull(),
    authorId: uuid()
      .notNull()
      .references(() => users.id),
    parentId: uuid(),
    content: text().notNull(),
    mentions: uuid().array().notNull().default(sql`'{}'`),
    createdAt: instant().notNull().default(sql`now()`),
    updatedAt: instant().notNull().default(sql`now()`),
    editedAt: instant(),
    deletedAt: instant(),
    search: searchVector().generatedAlwaysAs(sql`to_tsvector('simple', content)`),
  },
  t => [
    unique().on(t.taskId, t.id),
    ofTask(t.workspaceId, t.taskId),
    foreignKey({ columns: [t.taskId, t.parentId], foreignColumns: [t.taskId, t.id] }),
    index('comments_by_parent')
      .on(t.parentId)
      .where(sql`${t.parentId} is not null and ${t.deletedAt} is null`),
    index('comments_by_task').on(t.taskId, t.createdAt, t.id),
    searchIndex('comments_search', t.search),
  ],
)
