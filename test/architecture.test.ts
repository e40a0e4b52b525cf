import { readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))

interface Import {
  /** The importing file, from the root. */
  from: string
  /** A file of ours from the root, or the name of a package. */
  to: string
  /** Gone when the program runs. */
  isType: boolean
}

const sources = filesOf('src')
const packages = readdirSync(join(root, 'packages'))
const packageSources = packages.flatMap(name => filesOf(`packages/${name}/src`))
const imports = [...sources, ...packageSources].flatMap(importsOf)
const inSource = imports.filter(({ from }) => from.startsWith('src/'))

function filesOf(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter(name => /\.m?[jt]s$/.test(name))
    .map(name => join(folder, name))
}

function textOf(file: string): string {
  return readFileSync(join(root, file), 'utf8')
}

function importsOf(from: string): Import[] {
  const statements = /^(?:import|export)\s+(type\s+)?(?:[\w*{][^'"=;]*?\sfrom\s+)?'([^']+)'/gm
  return [...textOf(from).matchAll(statements)].map(([, type, specifier = '']) => {
    const target = resolve(root, dirname(from), specifier.replace(/\.js$/, '.ts'))
    const to = specifier.startsWith('.') ? relative(root, target) : specifier
    return { from, to, isType: type !== undefined }
  })
}

/** `channels` for everything below `src/modules/channels`. */
function moduleOf(file: string): string | undefined {
  return /^src\/modules\/([^/]+)\//.exec(file)?.[1]
}

/** What a file is, by its name: `tasks.service.ts` is a `service`. */
function roleOf(file: string): string | undefined {
  return /\.(\w+)\.ts$/.exec(basename(file))?.[1]
}

function shown(found: readonly Import[]): string[] {
  return found.map(({ from, to }) => `${from} → ${to}`).sort()
}

/** The shortest way from a node back to itself, if there is one. */
function cycleThrough(start: string, edges: ReadonlyMap<string, ReadonlySet<string>>): string[] | undefined {
  const paths = [[start]]
  const seen = new Set<string>()
  for (let path = paths.shift(); path; path = paths.shift()) {
    for (const next of edges.get(path.at(-1) ?? '') ?? []) {
      if (next === start) return [...path, start]
      if (seen.has(next)) continue
      seen.add(next)
      paths.push([...path, next])
    }
  }
  return undefined
}

function cyclesAmong(pairs: readonly (readonly [string, string])[]): string[] {
  const edges = new Map<string, Set<string>>()
  for (const [from, to] of pairs) edges.set(from, (edges.get(from) ?? new Set()).add(to))
  return [...edges.keys()].flatMap(node => cycleThrough(node, edges)?.join(' → ') ?? [])
}

/** Roles that know no SQL: they ask a repository. */
const withoutSql = [
  'controller',
  'service',
  'contract',
  'broadcaster',
  'adapter',
  'adapters',
  'jobs',
  'topic',
]

describe('the packages', () => {
  const foreign = imports.filter(({ from, to }) => from.startsWith('packages/') && !to.startsWith('node:'))

  test('stand on kickjs-core and on nothing else of this repository', () => {
    const ours = foreign.filter(({ to }) => to.startsWith('@forinda/') || /^(src|packages)\//.test(to))
    const strays = ours.filter(({ from, to }) => {
      const own = from.split('/').slice(0, 3).join('/')
      return to !== '@forinda/kickjs-core' && !to.startsWith(`${own}/`)
    })
    expect(shown(strays)).toEqual([])
    expect(ours.filter(({ from, to }) => from.includes('kickjs-core') && to.startsWith('@forinda/'))).toEqual(
      [],
    )
  })

  test('declare every library that they import', () => {
    const undeclared = foreign.filter(({ from, to }) => {
      if (/^(src|packages)\//.test(to)) return false
      const manifest = JSON.parse(textOf(join(from.split('/').slice(0, 2).join('/'), 'package.json')))
      const name = to.split('/').slice(0, to.startsWith('@') ? 2 : 1)
      const declared = { ...manifest.dependencies, ...manifest.peerDependencies }
      return !(name.join('/') in declared)
    })
    expect(shown(undeclared)).toEqual([])
  })

  test('are known to the server by name, never by path', () => {
    expect(shown(inSource.filter(({ to }) => to.startsWith('packages/')))).toEqual([])
  })
})

describe('the contracts', () => {
  const contracts = sources.filter(file => file.endsWith('.contract.ts'))
  const alsoInBrowsers = ['src/pagination.ts', 'src/access/roles.ts', 'zod']

  test('lead to zod, fields, paging and other contracts alone, so that a browser can load them', () => {
    const loaded = new Set(contracts)
    for (const file of loaded) {
      if (file === 'zod') continue
      for (const { to, isType } of importsOf(file)) if (!isType) loaded.add(to)
    }
    const others = [...loaded].filter(
      file => !file.endsWith('.contract.ts') && !alsoInBrowsers.includes(file),
    )
    expect(others).toEqual([])
  })

  test.each(contracts)('%s loads by itself', async file => {
    expect(Object.keys(await import(/* @vite-ignore */ join(root, file)))).not.toEqual([])
  })
})

describe('the layers', () => {
  test('SQL is written in the database, the access page and the repositories with their fragments', () => {
    const strays = inSource.filter(({ from, to }) => {
      const isSql = to === 'pg' || to.startsWith('drizzle-orm')
      return isSql && withoutSql.includes(roleOf(from) ?? '')
    })
    expect(shown(strays)).toEqual([])
    const outside = inSource.filter(
      ({ from, to }) =>
        to.startsWith('drizzle-orm') &&
        !/^src\/(db|access|modules)\//.test(from) &&
        roleOf(from) !== 'repository',
    )
    expect(shown(outside)).toEqual([])
  })

  test('only src/db knows the driver', () => {
    const strays = inSource.filter(({ from, to }) => to === 'pg' && !from.startsWith('src/db/'))
    expect(shown(strays)).toEqual([])
  })

  test('only kickjs-ws runs Socket.IO: the server knows its types', () => {
    const strays = inSource.filter(({ to, isType }) => to.startsWith('socket.io') && !isType)
    expect(shown(strays)).toEqual([])
  })

  test('only kickjs-http runs Express: the edge knows its types', () => {
    const strays = inSource.filter(
      ({ from, to, isType }) => to === 'express' && !(isType && from.startsWith('src/http/')),
    )
    expect(shown(strays)).toEqual([])
  })

  test('controllers import no other controller', () => {
    const strays = inSource.filter(
      ({ from, to }) => from !== 'src/app.ts' && roleOf(to) === 'controller' && roleOf(from) !== 'adapter',
    )
    expect(shown(strays)).toEqual([])
  })

  test('one file reads the environment', () => {
    const readers = sources.filter(file => /process\.env\b/.test(textOf(file)))
    expect(readers).toEqual(['src/config.ts'])
  })
})

describe('the modules', () => {
  const across = inSource.filter(({ from, to }) => {
    const [one, other] = [moduleOf(from), moduleOf(to)]
    return one !== undefined && other !== undefined && one !== other
  })

  test('form no cycle', () => {
    expect(cyclesAmong(across.map(({ from, to }) => [moduleOf(from) ?? '', moduleOf(to) ?? '']))).toEqual([])
  })

  test('ask each other by contract, by service, or by a file that is there to be shared', () => {
    const shared = [
      'src/modules/activity/changed-fields.ts',
      'src/modules/activity/record-activity.ts',
      'src/modules/auth/sessions/live-sessions.ts',
      'src/modules/auth/sessions/session-watch.ts',
      'src/modules/auth/tokens.ts',
      'src/modules/channels/lock-channel.ts',
      'src/modules/channels/project-links.ts',
      'src/modules/chat/chat-sockets.ts',
      'src/modules/tasks/assignees/release-tasks.ts',
      'src/modules/messages/mentions.ts',
      'src/modules/tasks/changes/actor.ts',
      'src/modules/tasks/changes/record-on-task.ts',
      'src/modules/tasks/changes/step-task.ts',
      'src/modules/tasks/changes/step-tasks.ts',
      'src/modules/tasks/task-row.ts',
      'src/modules/users/self-columns.ts',
      // The chat is the other edge of messages and boards: it reads them as their own controllers do.
      'src/modules/messages/messages.repository.ts',
      'src/modules/tasks/tasks.repository.ts',
    ]
    const strays = across.filter(
      ({ to }) => !['contract', 'service'].includes(roleOf(to) ?? '') && !shared.includes(to),
    )
    expect(shown(strays)).toEqual([])
  })

  test('are all known to app.ts alone', () => {
    const sessions = [
      'src/http/authenticate.ts',
      'src/http/idempotency-replays.ts',
      'src/realtime/live-streams.ts',
    ]
    const strays = inSource.filter(({ from, to, isType }) => {
      if (moduleOf(to) === undefined || moduleOf(from) !== undefined || from === 'src/app.ts') return false
      if (from === 'src/events.ts') return !isType || roleOf(to) !== 'contract'
      // Whoever seeds a database uses the services as a client would.
      if (from.startsWith('src/db/seed')) return false
      return !(sessions.includes(from) && moduleOf(to) === 'auth')
    })
    expect(shown(strays)).toEqual([])
  })
})

describe('the code', () => {
  test('has no file that needs itself', () => {
    const needed = imports.filter(({ to, isType }) => !isType && /^(src|packages)\//.test(to))
    expect(cyclesAmong(needed.map(({ from, to }) => [from, to]))).toEqual([])
  })

  test.each([
    ['suppressed type error', /@ts-(ignore|expect-error|nocheck)/],
    ['promise to do it later', /\b(TODO|FIXME|XXX|HACK)\b/],
    ['print', /^(?!\s*\*).*\bconsole\./m],
  ])('holds no %s', (_what, pattern) => {
    expect([...sources, ...packageSources].filter(file => pattern.test(textOf(file)))).toEqual([])
  })

  // What the packages give to untyped callers is `any`, each time with its reason; the server has no such callers.
  test.each([
    ['any', /(?::|\bas|<|\|)\s*any\b(?!\()|\bany\[\]/],
    ['suppressed lint', /biome-ignore|eslint-disable/],
  ])('of the server holds no %s', (_what, pattern) => {
    expect(sources.filter(file => pattern.test(textOf(file)))).toEqual([])
  })

  test('is in files short enough to be read at once', () => {
    const most: Record<string, number> = { controller: 150, service: 200, repository: 250 }
    const long = sources.filter(
      file => textOf(file).split('\n').length - 1 > (most[roleOf(file) ?? ''] ?? 340),
    )
    expect(long).toEqual([])
  })
})
