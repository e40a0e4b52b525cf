import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { Autowired, Service } from '@forinda/kickjs-core'
import { z } from 'zod'
import { Secrets } from '../secrets.js'
import type { Answer } from './held-answer.js'

const ALGORITHM = 'aes-256-gcm'
const IV_BYTES = 12
const TAG_BYTES = 16

const answer = z.object({
  status: z.int(),
  headers: z.record(z.string(), z.union([z.string(), z.array(z.string())])),
  body: z.string(),
})

/** Answers in the database are encrypted, since some hold tokens; each with a key of its own request. */
@Service()
export class SealedAnswers {
  @Autowired(Secrets) private secrets!: Secrets

  seal(request: string, content: Answer): string {
    const iv = randomBytes(IV_BYTES)
    const cipher = createCipheriv(ALGORITHM, this.keyOf(request), iv)
    const sealed = Buffer.concat([cipher.update(JSON.stringify(content), 'utf8'), cipher.final()])
    return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64url')
  }

  /** Errors: one of Node's for a text that was sealed for another request, with another secret, or changed since. */
  open(request: string, text: string): Answer {
    const bytes = Buffer.from(text, 'base64url')
    const decipher = createDecipheriv(ALGORITHM, this.keyOf(request), bytes.subarray(0, IV_BYTES))
    decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES))
    const content = decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES))
    return answer.parse(JSON.parse(Buffer.concat([content, decipher.final()]).toString('utf8')))
  }

  private keyOf(request: string): Buffer {
    return this.secrets.derive(`idempotency ${request}`)
  }
}
