/** JSON that is text already, for answers: it goes out as it is, and elsewhere reads as the value that it stands for. */
export class JsonText {
  constructor(readonly text: string) {}

  toJSON(): unknown {
    return JSON.parse(this.text)
  }
}
