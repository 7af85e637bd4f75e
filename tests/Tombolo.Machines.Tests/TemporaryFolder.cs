// SPDX-License-Identifier: MIT
namespace Tombolo.Machines.Tests;

/// <summary>A folder that goes with its test. Its path is short, because sockets live in it.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("tm-").FullName;

    public string In(string name) => System.IO.Path.Combine(Path, name);

    public string Write(string name, string text, bool executable = false)
    {
        File.WriteAllText(In(name), text);
        if (executable) File.SetUnixFileMode(In(name), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return In(name);
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
