// SPDX-License-Identifier: MIT
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Tombolo.Machines;

/// <summary>What is written down about a started machine, so that the next owner finds it again.</summary>
/// <param name="Process">Which process it is.</param>
/// <param name="Digest">Digest of its command line: tells whether it still is what is declared.</param>
/// <param name="Acceleration">What runs its processor.</param>
/// <param name="StartedAt">When it was started.</param>
/// <param name="ConsoleOffset">Length of the console log when it was started, in bytes: what comes after is this start's.</param>
/// <param name="Restarts">How often it was restarted since it was first brought up.</param>
public sealed record MachineRecord(ProcessIdentity Process, string Digest, Acceleration Acceleration, DateTimeOffset StartedAt, long ConsoleOffset, int Restarts)
{
    /// <summary>Digest of a command line and run script.</summary>
    /// <param name="arguments">The arguments.</param>
    /// <param name="script">The run script's lines.</param>
    public static string DigestOf(IEnumerable<string> arguments, IEnumerable<string> script) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\0', arguments) + "\0\0" + string.Join('\n', script))))[..16];

    /// <summary>Writes the record; a reader sees the old one or the new one, never half of it.</summary>
    /// <param name="path">The file.</param>
    public void Save(string path)
    {
        string draft = path + ".new";
        File.WriteAllText(draft, JsonSerializer.Serialize(this, MachineJson.Default.MachineRecord));
        File.Move(draft, path, overwrite: true);
    }

    /// <summary>Reads a record.</summary>
    /// <param name="path">The file.</param>
    /// <returns>Null where there is none, or none that can be read.</returns>
    public static MachineRecord? TryLoad(string path)
    {
        try
        {
            MachineRecord? record = JsonSerializer.Deserialize(File.ReadAllText(path), MachineJson.Default.MachineRecord);
            return record?.Process is null || record.Process.ProcessId <= 0 ? null : record;
        }
        catch (IOException) { return null; }
        catch (JsonException) { return null; }
    }
}

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(MachineRecord))]
internal sealed partial class MachineJson : JsonSerializerContext;
