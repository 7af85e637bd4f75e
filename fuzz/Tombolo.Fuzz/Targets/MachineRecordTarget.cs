// SPDX-License-Identifier: MIT
using Tombolo.Machines;

namespace Tombolo.Fuzz.Targets;

/// <summary>What is written down about a machine, after anybody wrote to the file: a record or none.</summary>
internal sealed class MachineRecordTarget : IFuzzTarget
{
    private readonly string _folder = Directory.CreateTempSubdirectory("tombolo-fuzz-").FullName;

    public string Name => "machine-record";

    public IReadOnlyList<byte[]> Words { get; } = [.. new[] { "\"process\":", "\"processId\":", "null", "{", "}", "[", "]", ",", "\"", "1e999", "-1", "\\ud800", "\"startedAt\":", "\"acceleration\":\"Tcg\"" }.Select(System.Text.Encoding.UTF8.GetBytes)];

    public IEnumerable<byte[]> Seeds()
    {
        string path = Path.Combine(_folder, "seed");
        new MachineRecord(new(1, 2, "boot"), "digest", default, DateTimeOffset.UnixEpoch, 0, 0).Save(path);
        return [[], File.ReadAllBytes(path), "null"u8.ToArray(), "{}"u8.ToArray()];
    }

    public string Run(ReadOnlySpan<byte> input)
    {
        string path = Path.Combine(_folder, "record");
        File.WriteAllBytes(path, input);
        MachineRecord? record = MachineRecord.TryLoad(path);
        if (record is null) return "none";
        FuzzFinding.Require(record.Process.ProcessId > 0, $"A process id of {record.Process.ProcessId} is taken.");
        return record.Digest is null ? "record without digest" : "record";
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
