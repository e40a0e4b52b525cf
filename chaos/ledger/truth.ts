import type pg from 'pg'

/** A message as the database has it. */
export interface TruthRow {
  id: string
  position: number
  seq: number
  content: string
  deleted: boolean
}

/** What is stored, by channel, in the order of the history. */
export interface Truth {
  [channelId: string]: { lastSeq: number; rows: TruthRow[] }
}

export async function readTruth(client: pg.Client, channelIds: readonly string[]): Promise<Truth> {
  const truth: Truth = {}
  for (const channelId of channelIds) {
    const { rows } = await client.query<TruthRow>(selectRows, [channelId])
    const found = await client.query<{ lastSeq: number }>(selectLastSeq, [channelId])
    truth[channelId] = { lastSeq: found.rows[0]?.lastSeq ?? 0, rows }
  }
  return truth
}

const selectRows = `
  select id, position::int, seq::int, case when deleted_at is null then content else '' end as content,
         deleted_at is not null as deleted
  from messages where channel_id = $1 order by position`

const selectLastSeq = `select last_seq::int as "lastSeq" from channels where id = $1`
