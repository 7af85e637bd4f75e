// SPDX-License-Identifier: MIT
using System.Text;
using Tombolo.Fabric;

namespace Tombolo.Fuzz.Targets;

/// <summary>A <c>fabric.yaml</c> of any bytes: a declaration, or faults at places that exist.</summary>
internal sealed class FabricYamlTarget : IFuzzTarget
{
    private static readonly string[] _words =
    [
        "fabric:", "mailboxes:", "machines:", "policy:", "regions:", "switches:", "store:", "clients: 14", "slot: 512", "recycle: true", "manager: false", "socket: a.sock", "image: demo", "memory: 256M",
        "attach: genz", "run: [ /bin/demo ]", "who: { uid: 1000 }", "may: [join genz]", "\n", "\n  ", "\n    ", "- ", ": ", "{ ", " }", "[", "]", "&a ", "*a", "<<: ", "!!binary ", "\"", "'", "|\n", ">\n", "? ", "---\n",
        "...\n", "%YAML 1.1\n", "\t", "# ", "~", "0x7fffffffffffffff", "99999999999999999999", "1e400", ".nan", "𝄞", "\u0085",
    ];

    public string Name => "fabric-yaml";

    public IReadOnlyList<byte[]> Words { get; } = [.. _words.Select(Encoding.UTF8.GetBytes), [0xFF, 0xFE], [0xEF, 0xBB, 0xBF], [0]];

    public IEnumerable<byte[]> Seeds() => new[]
    {
        "",
        FabricFile.Template(),
        "fabric: x\nmailboxes: { genz: { clients: 2 } }\nmachines:\n  vm0: { image: demo, memory: 256M, attach: [genz], run: [ /bin/a, b ] }\npolicy:\n  - { who: { uid: 1000 }, may: [join genz] }\n",
        "fabric: [",
        "a: &a [*a, *a]\n",
    }.Select(Encoding.UTF8.GetBytes);

    public string Run(ReadOnlySpan<byte> input)
    {
        FabricReading reading = FabricFile.Parse(input, "/nowhere/fabric.yaml", "/run/tombolo");
        FuzzFinding.Require(reading.Declaration is null == reading.Faults.Count > 0, $"{reading.Faults.Count} faults, and {(reading.Declaration is null ? "no" : "a")} declaration.");
        int lines = 2 + input.Count((byte)'\n') + input.Count((byte)'\r') + input.Count((byte)0x85) + input.Count((byte)0xA8) + input.Count((byte)0xA9);   // every line break that YAML knows
        foreach (Fault fault in reading.Faults)
        {
            FuzzFinding.Require(fault.Line >= 1 && fault.Line <= lines && fault.Column >= 1, $"A fault is at line {fault.Line}, column {fault.Column} of {lines} lines.");
            FuzzFinding.Require(fault.Sentence.Length is > 0 and < 4096 && !fault.Sentence.Any(char.IsControl), $"A fault's sentence has {fault.Sentence.Length} characters, or some that no terminal should get: {fault.Sentence}");
        }
        FuzzFinding.Require(reading.Faults.SequenceEqual(reading.Faults.Order()), "The faults are not in the order of the file.");
        return reading.Declaration is null ? $"{Math.Min(reading.Faults.Count, 3)} faults, {Shape(reading.Faults[0].Sentence)}" : "declared";
    }

    public void Dispose() { }

    // The first words: what follows names things of the input.
    private static string Shape(string sentence) => string.Concat(sentence.TakeWhile(letter => letter != '\'').Where(letter => char.IsAsciiLetter(letter) || letter == ' ').Take(12));
}
