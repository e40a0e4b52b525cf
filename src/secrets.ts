import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto'
import { linkSync, mkdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Autowired, PostConstruct, Service } from '@forinda/kickjs-core'
import { z } from 'zod'
import { CONFIG, type Config } from './config.js'
import { StartupError } from './errors.js'

const ALGORITHM = 'aes-256-gcm'
const IV_BYTES = 12
const TAG_BYTES = 16

const kept = z.object({ jwtSecret: z.string().min(32) })

/** The secret that signs access tokens: `JWT_SECRET`, or one made on the first start and kept in the data folder. */
@Service()
export class Secrets {
  @Autowired(CONFIG) private config!: Config

  /** A key object, because a string would be made into one for each token: fifty times the cost. */
  jwtKey!: KeyObject

  @PostConstruct()
  load(): void {
    const secret = this.config.jwtSecret ?? keptSecret(this.config.dataDir)
    this.jwtKey = createSecretKey(Buffer.from(secret, 'utf8'))
  }

  /** A 256-bit key for one purpose, which tells nothing about the secret it comes from. */
  derive(purpose: string): Buffer {
    return Buffer.from(hkdfSync('sha256', this.jwtKey, '', purpose, 32))
  }

  /** Encrypts a text that holds tokens, for the database; each purpose has a key of its own. */
  seal(purpose: string, text: string): string {
    const iv = randomBytes(IV_BYTES)
    const cipher = createCipheriv(ALGORITHM, this.derive(purpose), iv)
    const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
    return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64url')
  }

  /** Errors: one of Node's for a text that was sealed for another purpose, with another secret, or changed since. */
  open(purpose: string, sealed: string): string {
    const bytes = Buffer.from(sealed, 'base64url')
    const decipher = createDecipheriv(ALGORITHM, this.derive(purpose), bytes.subarray(0, IV_BYTES))
    decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES))
    const text = decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES))
    return Buffer.concat([text, decipher.final()]).toString('utf8')
  }
}

function keptSecret(dataDir: string): string {
  const file = join(dataDir, 'secrets.json')
  try {
    return read(file) ?? make(dataDir, file)
  } catch (error) {
    if (error instanceof StartupError) throw error
    throw new StartupError(`${file} cannot be read or written: give JWT_SECRET, or mend the folder`, {
      cause: error,
    })
  }
}

function read(file: string): string | undefined {
  const text = contents(file)
  if (text === undefined) return undefined
  const parsed = kept.safeParse(fromJson(text))
  if (parsed.success) return parsed.data.jwtSecret
  throw new StartupError(`${file} is damaged: restore it, or remove it, which signs everybody out`)
}

/** A link appears whole or not at all, so that of two servers that start at once both use the first one's secret. */
function make(dataDir: string, file: string): string {
  mkdirSync(dataDir, { recursive: true })
  const draft = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`
  const secrets = { jwtSecret: randomBytes(48).toString('base64url') }
  writeFileSync(draft, `${JSON.stringify(secrets)}\n`, { mode: 0o600, flag: 'wx', flush: true })
  try {
    linkSync(draft, file)
    return secrets.jwtSecret
  } catch (error) {
    const theirs = read(file)
    if (theirs === undefined) throw error
    return theirs
  } finally {
    unlinkSync(draft)
  }
}

function contents(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
