import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { MemoryAnswer } from '../faults/probe.js'

const main = fileURLToPath(new URL('../../../../dist/main.js', import.meta.url))
const preload = (name: string) => new URL(`../faults/${name}.js`, import.meta.url).href

/** As a service manager would wait before it starts again what has ended. */
const RESTART_MS = 1_000
const START_LIMIT_MS = 30_000
/** pino's number for errors. */
const ERROR_LEVEL = 50

/** One node: the built server, started again on its port whenever it ends without being told to. */
export class NodeProcess {
  /** Ends that the lab did not cause. */
  crashes = 0
  readonly errors: string[] = []
  private child: ChildProcess | undefined
  private port = 0
  private stopping = false
  private killed = false

  constructor(
    readonly name: string,
    private readonly env: Record<string, string>,
  ) {}

  get origin(): string {
    return `http://127.0.0.1:${this.port}`
  }

  async start(): Promise<void> {
    const args = ['--expose-gc', '--import', preload('clock-skew'), '--import', preload('probe'), main]
    const env = { ...this.env, NODE_NAME: this.name, PORT: String(this.port) }
    const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
    this.child = child
    child.stderr?.setEncoding('utf8').on('data', text => this.errors.push(`${this.name}: ${text}`))
    child.once('exit', (code, signal) => void this.ended(code, signal))
    this.port = Number(new URL(await this.listening(child)).port)
  }

  /** kill -9; the supervisor starts it again. */
  kill(): void {
    this.killed = true
    this.child?.kill('SIGKILL')
  }

  /** The process stands still, with all its connections open, until `resume`. */
  pause(): void {
    this.child?.kill('SIGSTOP')
  }

  resume(): void {
    this.child?.kill('SIGCONT')
  }

  async memory(): Promise<MemoryAnswer> {
    const { child } = this
    if (!child) throw new Error(`${this.name} does not run`)
    child.send('memory')
    const [answer]: MemoryAnswer[] = await once(child, 'message')
    if (!answer) throw new Error(`${this.name} does not tell its memory`)
    return answer
  }

  /** What the system has given to the process. */
  residentMegabytes(): number {
    const status = readFileSync(`/proc/${this.child?.pid}/status`, 'utf8')
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024
  }

  async stop(): Promise<void> {
    this.stopping = true
    const { child } = this
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const exit = once(child, 'exit')
    child.kill('SIGKILL')
    await exit
  }

  private async ended(code: number | null, signal: NodeJS.Signals | null) {
    if (this.stopping) return
    if (!this.killed) {
      this.crashes += 1
      this.errors.push(`${this.name} ended by itself: ${signal ?? code}`)
    }
    this.killed = false
    await delay(RESTART_MS)
    if (this.stopping) return
    // Where it cannot start it ends, and is started again from there.
    await this.start().catch(() => {})
  }

  /** Resolves with where it listens, as its greeting says; what it logs from then on is looked at. */
  private listening(child: ChildProcess): Promise<string> {
    return new Promise((resolve, reject) => {
      let rest = ''
      child.stdout?.setEncoding('utf8').on('data', (text: string) => {
        const lines = `${rest}${text}`.split('\n')
        rest = lines.pop() ?? ''
        for (const line of lines) {
          if (line.startsWith('{')) this.noteError(line)
          const url = /is on (http:\S+)/.exec(line)?.[1]
          if (url !== undefined) resolve(url)
        }
      })
      child.once('exit', () => reject(new Error(`${this.name} did not start: ${this.errors.join('')}`)))
      setTimeout(() => reject(new Error(`${this.name} does not listen`)), START_LIMIT_MS).unref()
    })
  }

  private noteError(line: string) {
    const { level } = JSON.parse(line)
    if (Number(level) >= ERROR_LEVEL) this.errors.push(`${this.name}: ${line}`)
  }
}
