import { Service } from '@forinda/kickjs-core'
import { hash, verify } from '@node-rs/argon2'
import { Turns } from '../../turns.js'

const memoryCost = 19_456
const timeCost = 2
const parallelism = 1

/** Matches no password, at the price of any other hash. */
const decoy = `$argon2id$v=19$m=${memoryCost},t=${timeCost},p=${parallelism}$${'A'.repeat(22)}$${'A'.repeat(43)}`

/** Passwords as argon2id hashes. Two are worked on at once, which leaves threads for files and names. */
@Service()
export class Passwords {
  private readonly turns = new Turns(2, 2_000)

  hash(password: string): Promise<string> {
    return this.turns.take(() => hash(normal(password), { memoryCost, timeCost, parallelism }))
  }

  /** Whether the password fits the stored hash. Without one it does not, after the same work. */
  async matches(password: string, stored: string | undefined): Promise<boolean> {
    const fits = await this.turns.take(() => verify(stored ?? decoy, normal(password)))
    return fits && stored !== undefined
  }
}

/** Keyboards differ in how they compose an `é`; the password is the same. */
function normal(password: string): string {
  return password.normalize('NFKC')
}
