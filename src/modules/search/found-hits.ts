import { type SQL, sql } from 'drizzle-orm'
import { seesChannel, seesProject, workspaceIsOpen } from '../../access/visibility.js'
import { literal } from '../../db/dialect.js'
import { attachments } from '../../db/schema/attachments.js'
import { channels, messages } from '../../db/schema/chat.js'
import { comments } from '../../db/schema/comments.js'
import { workspaceMembers, workspaces } from '../../db/schema/people.js'
import { projects, tasks } from '../../db/schema/work.js'
import type { HitType } from './search.contract.js'
import type { SearchTerms } from './search-terms.js'

/** How many matches of each type are ranked, the newest: of a word that everybody uses there are too many. */
const MOST_RANKED = 1_000

export interface Search {
  readerId: string
  workspaceId: string
  terms: SearchTerms
  types: readonly HitType[]
  /** Where the page before ended, and what was there when the walk began: what came later does not count. */
  after: { rank: number; createdAt: string; id: string; until: string } | undefined
}

/** Where texts of a type are, and what says who sees them. */
interface Source {
  table: typeof tasks | typeof comments | typeof attachments | typeof messages
  inWorkspace: (workspaceId: string) => SQL
  /** The project, task or channel, as `place`. */
  place: SQL
  /** Joins a match, by its place, with what the reader sees. */
  seen: SQL
  /** How much words count that are labelled D, C, B and A; without a label it is D. */
  weights: string
}

const onTask = sql`join ${tasks} on ${tasks.id} = matching.place and ${tasks.deletedAt} is null
  join seen_projects on seen_projects.id = ${tasks.projectId}`

const sources: Record<HitType, Source> = {
  task: {
    table: tasks,
    inWorkspace: workspaceId => sql`${tasks.workspaceId} = ${workspaceId} and`,
    place: sql`${tasks.projectId}`,
    seen: sql`join seen_projects on seen_projects.id = matching.place`,
    weights: '{0.1, 0.2, 0.4, 1}',
  },
  comment: {
    table: comments,
    inWorkspace: workspaceId => sql`${comments.workspaceId} = ${workspaceId} and`,
    place: sql`${comments.taskId}`,
    seen: onTask,
    weights: '{0.2, 0.2, 0.2, 0.2}',
  },
  message: {
    table: messages,
    inWorkspace: () => sql``,
    place: sql`${messages.channelId}`,
    seen: sql`join seen_channels on seen_channels.id = matching.place`,
    weights: '{0.2, 0.2, 0.2, 0.2}',
  },
  attachment: {
    table: attachments,
    inWorkspace: workspaceId => sql`${attachments.workspaceId} = ${workspaceId} and`,
    place: sql`${attachments.taskId}`,
    seen: onTask,
    weights: '{0.6, 0.6, 0.6, 0.6}',
  },
}

/**
 * What the reader sees of what matches, as a table of `type`, `id`, `created_at` and `rank`, the best first.
 * The rank depends on the text and the search alone, so that it is the same on every page.
 */
export function foundHits(search: Search, limit: number): SQL {
  const { types, after } = search
  const beyond =
    after &&
    sql`where (rank, created_at, id) < (${after.rank}::float8, ${after.createdAt}, ${after.id}::uuid)`
  return sql`
    with seen_projects as materialized (${seenProjects(search)}),
      seen_channels as materialized (${seenChannels(search)}),
      ${sql.join(
        types.map(type => matches(type, search)),
        sql`, `,
      )}
    select * from (${sql.join(
      types.map(type => ranked(type, search)),
      sql` union all `,
    )}) hit
    ${beyond} order by rank desc, created_at desc, id desc limit ${literal(limit)}`
}

const seenProjects = ({ workspaceId, readerId }: Search) => sql`
  select ${projects.id}, ${projects.key} from ${projects}
  join ${workspaces} on ${workspaces.id} = ${projects.workspaceId} and ${workspaces.id} = ${workspaceId}
  join ${workspaceMembers} on ${workspaceMembers.workspaceId} = ${workspaces.id}
    and ${workspaceMembers.userId} = ${readerId}
  where ${workspaceIsOpen} and ${seesProject}`

const seenChannels = ({ workspaceId, readerId }: Search) => sql`
  select ${channels.id} from ${channels}
  join ${workspaces} on ${workspaces.id} = ${channels.workspaceId} and ${workspaces.id} = ${workspaceId}
  join ${workspaceMembers} on ${workspaceMembers.workspaceId} = ${workspaces.id}
    and ${workspaceMembers.userId} = ${readerId}
  where ${workspaceIsOpen} and ${seesChannel}`

const named = (type: HitType) => sql.raw(`matching_${type}`)
const query = (text: string) => sql`to_tsquery('simple', ${text})`

/**
 * Who sees them is asked afterwards, of what the index of words has given: otherwise the planner, which
 * knows nothing about words, may go through that index once for each project or channel.
 */
function matches(type: HitType, { workspaceId, terms, after }: Search): SQL {
  const { table, inWorkspace, place } = sources[type]
  const wasThere = after && sql`and ${table.createdAt} <= ${after.until}`
  return sql`${named(type)} as materialized (
    select ${table.id}, ${table.createdAt}, ${place} as place from ${table}
    where ${inWorkspace(workspaceId)} ${table.search} @@ ${query(terms.begun)}
      and ${table.deletedAt} is null ${wasThere})`
}

function ranked(type: HitType, { terms }: Search): SQL {
  const { table, seen } = sources[type]
  const key = type === 'task' ? terms.key : undefined
  const keyed =
    key &&
    sql`
    select ${tasks.id} from ${tasks} join seen_projects on seen_projects.id = ${tasks.projectId}
    where seen_projects.key = ${key.project} and ${tasks.number} = ${key.number} and ${tasks.deletedAt} is null`
  return sql`
    select ${type}::text as type, ${table.id}, ${table.createdAt}, ${rankOf(type, terms, keyed)} as rank
    from (
      (select matching.id from ${named(type)} matching ${seen}
        order by matching.created_at desc, matching.id desc limit ${literal(MOST_RANKED)})
      ${keyed && sql`union (${keyed})`}
    ) newest join ${table} on ${table.id} = newest.id`
}

/** Below 1, which the task has whose key is asked for. Whole words count more than beginnings. */
function rankOf(type: HitType, { begun, whole }: SearchTerms, keyed: SQL | undefined): SQL {
  const { table, weights } = sources[type]
  const rank = (text: string) => sql`ts_rank(${weights}::real[], ${table.search}, ${query(text)}, 32)`
  const mean = sql`trunc(((${rank(begun)} + ${rank(whole)}) / 2)::numeric, 4)::float8`
  return keyed ? sql`case when ${table.id} in (${keyed}) then 1 else ${mean} end` : mean
}
