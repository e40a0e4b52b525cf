/** Whoever asks for something: all that access depends on is who he is. */
export interface Asker {
  id: string
}
