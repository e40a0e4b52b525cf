export interface Mail {
  /** One address that a contract has checked. */
  to: string
  /** One line; of those that go to the outbox, in ASCII. */
  subject: string
  text: string
  /** Whose it is, where he is a user. */
  userId?: string
}
