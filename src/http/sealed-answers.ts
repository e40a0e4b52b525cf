import { Autowired, Service } from '@forinda/kickjs-core'
import { z } from 'zod'
import { Secrets } from '../secrets.js'
import type { Answer } from './held-answer.js'

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
    return this.secrets.seal(`idempotency ${request}`, JSON.stringify(content))
  }

  /** Errors: one of Node's for a text that was sealed for another request, with another secret, or changed since. */
  open(request: string, text: string): Answer {
    return answer.parse(JSON.parse(this.secrets.open(`idempotency ${request}`, text)))
  }
}
