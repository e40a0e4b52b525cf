import { sql } from 'drizzle-orm'
import {
  type AnyPgColumn,
  boolean,
  check,
  foreignKey,
  index,
  integer,
  pgEnum,
  pgTable,
  primaryKey,
  text,
  unique,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core'
import { id, instant, rank, searchIndex, searchVector, seq } from '../columns.js'
import { ofMember, users, workspaces } from './people.js'

export const statusGroup = pgEnum('status_group', [
  'backlog',
  'unstarted',
  'started',
  'completed',
  'cancelled',
])
export const priority = pgEnum('priority', ['none', 'low', 'medium', 'high', 'critical'])

export const projects = pgTable(
  'projects',
  {
    id: id(),
    workspaceId: uuid()
      .notNull()
      .references(() => workspaces.id, { onDelete: 'cascade' }),
    name: text().notNull(),
    key: text().notNull(),
    description: text().notNull().default(''),
    createdBy: uuid()
      .notNull()
      .references(() => users.id),
    /** The number of the latest task: its key is `{key}-{number}`. */
    lastTaskNumber: integer().notNull().default(0),
    lastSeq: seq().notNull().default(0),
    /** The sequence at the latest change of the board's columns: whoever knows less loads the board afresh. */
    boardSeq: seq().notNull().default(0),
    createdAt: instant().notNull().default(sql`now()`),
    updatedAt: instant().notNull().default(sql`now()`),
    deletedAt: instant(),
  },
  t => [
    unique().on(t.workspaceId, t.id),
    uniqueIndex().on(t.workspaceId, t.key).where(sql`${t.deletedAt} is null`),
  ],
)

/** The foreign key of what belongs to a project of the same workspace, and goes with it. */
export const ofProject = (workspaceId: AnyPgColumn, projectId: AnyPgColumn) =>
  foreignKey({
    columns: [workspaceId, projectId],
    foreignColumns: [projects.workspaceId, projects.id],
  }).onDelete('cascade')

/** Who else may see a project: a guest of the workspace sees only those listed here. */
export const projectMembers = pgTable(
  'project_members',
  {
    workspaceId: uuid().notNull(),
    projectId: uuid().notNull(),
    userId: uuid().notNull(),
    addedAt: instant().notNull().default(sql`now()`),
  },
  t => [
    primaryKey({ columns: [t.projectId, t.userId] }),
    index().on(t.workspaceId, t.userId),
    ofProject(t.workspaceId, t.projectId),
    ofMember(t.workspaceId, t.userId),
  ],
)

/** A column of a project's board. `key` is what a task's `status` holds; its group gives it a meaning. */
export const projectStatuses = pgTable(
  'project_statuses',
  {
    projectId: uuid()
      .notNull()
      .references(() => projects.id, { onDelete: 'cascade' }),
    key: text().notNull(),
    name: text().notNull(),
    group: statusGroup().notNull(),
    position: integer().notNull(),
    wipLimit: integer(),
    /** The columns that a task may go to from here; null for any. */
    transitions: text().array(),
  },
  t => [
    primaryKey({ columns: [t.projectId, t.key] }),
    unique().on(t.projectId, t.position),
    check('project_statuses_wip_limit', sql`${t.wipLimit} > 0`),
  ],
)

export const tasks = pgTable(
  'tasks',
  {
    id: id(),
    workspaceId: uuid().notNull(),
    projectId: uuid().notNull(),
    number: integer().notNull(),
    title: text().notNull(),
    description: text().notNull().default(''),
    status: text().notNull(),
    priority: priority().notNull().default('none'),
    reporterId: uuid()
      .notNull()
      .references(() => users.id),
    parentTaskId: uuid(),
    dueDate: instant(),
    estimatePoints: integer(),
    rank: rank().notNull(),
    /** Grows by one with each edit: the task's ETag. */
    version: integer().notNull().default(1),
    /** The project's sequence at the task's latest change. */
    seq: seq().notNull(),
    createdAt: instant().notNull().default(sql`now()`),
    updatedAt: instant().notNull().default(sql`now()`),
    startedAt: instant(),
    completedAt: instant(),
    deletedAt: instant(),
    search: searchVector().generatedAlwaysAs(
      sql`setweight(to_tsvector('simple', title), 'A') || setweight(to_tsvector('simple', description), 'B')`,
    ),
  },
  t => [
    unique().on(t.projectId, t.number),
    unique().on(t.projectId, t.id),
    unique().on(t.workspaceId, t.id),
    ofProject(t.workspaceId, t.projectId),
    foreignKey({
      columns: [t.projectId, t.status],
      foreignColumns: [projectStatuses.projectId, projectStatuses.key],
    }).onUpdate('cascade'),
    foreignKey({ columns: [t.projectId, t.parentTaskId], foreignColumns: [t.projectId, t.id] }),
    check('tasks_parent_not_self', sql`${t.parentTaskId} <> ${t.id}`),
    check('tasks_estimate_points', sql`${t.estimatePoints} >= 0`),
    uniqueIndex('tasks_rank').on(t.projectId, t.status, t.rank).where(sql`${t.deletedAt} is null`),
    index('tasks_by_rank').on(t.projectId, t.rank, t.id).where(sql`${t.deletedAt} is null`),
    index('tasks_by_created').on(t.projectId, t.createdAt, t.id).where(sql`${t.deletedAt} is null`),
    index('tasks_by_updated').on(t.projectId, t.updatedAt, t.id).where(sql`${t.deletedAt} is null`),
    index('tasks_by_priority').on(t.projectId, t.priority, t.id).where(sql`${t.deletedAt} is null`),
    index('tasks_by_due')
      .on(t.projectId, sql`coalesce(${t.dueDate}, 'infinity')`, t.id)
      .where(sql`${t.deletedAt} is null`),
    index('tasks_by_due_desc')
      .on(t.projectId, sql`coalesce(${t.dueDate}, '-infinity')`, t.id)
      .where(sql`${t.deletedAt} is null`),
    index('tasks_by_parent').on(t.parentTaskId, t.rank).where(sql`${t.deletedAt} is null`),
    index('tasks_changes').on(t.projectId, t.seq),
    index('tasks_due').on(t.dueDate).where(sql`${t.deletedAt} is null and ${t.completedAt} is null`),
    index('tasks_open_due')
      .on(t.projectId, t.dueDate, t.status)
      .where(sql`${t.deletedAt} is null and ${t.completedAt} is null and ${t.dueDate} is not null`),
    searchIndex('tasks_search', t.search),
  ],
)

/** The foreign key of what belongs to a task of the same workspace, and goes with it. */
export const ofTask = (workspaceId: AnyPgColumn, taskId: AnyPgColumn) =>
  foreignKey({
    columns: [workspaceId, taskId],
    foreignColumns: [tasks.workspaceId, tasks.id],
  }).onDelete('cascade')

/**
 * What the sort values of a task were until the change `seq` replaced them: so a walk of a list goes on
 * in the order that it began in. Written by a trigger on `tasks`, kept for a day.
 */
export const taskOrders = pgTable(
  'task_orders',
  {
    taskId: uuid()
      .notNull()
      .references(() => tasks.id, { onDelete: 'cascade' }),
    seq: seq().notNull(),
    rank: rank().notNull(),
    priority: priority().notNull(),
    dueDate: instant(),
    updatedAt: instant().notNull(),
    expiresAt: instant().notNull(),
  },
  t => [primaryKey({ columns: [t.taskId, t.seq] }), index().on(t.expiresAt)],
)

export const taskAssignees = pgTable(
  'task_assignees',
  {
    workspaceId: uuid().notNull(),
    taskId: uuid().notNull(),
    userId: uuid().notNull(),
    assignedAt: instant().notNull().default(sql`now()`),
  },
  t => [
    primaryKey({ columns: [t.taskId, t.userId] }),
    index().on(t.workspaceId, t.userId, t.taskId),
    ofTask(t.workspaceId, t.taskId),
    ofMember(t.workspaceId, t.userId),
  ],
)

/** Who wants to be told what happens to a task, or, where `isWatching` is false, does not in spite of his part in it. */
export const taskWatchers = pgTable(
  'task_watchers',
  {
    workspaceId: uuid().notNull(),
    taskId: uuid().notNull(),
    userId: uuid().notNull(),
    isWatching: boolean().notNull(),
  },
  t => [
    primaryKey({ columns: [t.taskId, t.userId] }),
    ofTask(t.workspaceId, t.taskId),
    ofMember(t.workspaceId, t.userId),
  ],
)
