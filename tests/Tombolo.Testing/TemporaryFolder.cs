// SPDX-License-Identifier: MIT
namespace Tombolo.Testing;

/// <summary>A folder that is gone afterwards. Its path is short enough for sockets.</summary>
public sealed class TemporaryFolder : IDisposable
{
    /// <summary>The full path.</summary>
    public string FullPath { get; } = Directory.CreateTempSubdirectory("tombolo-").FullName;

    /// <summary>The full path of something in it.</summary>
    public string this[string name] => Path.Combine(FullPath, name);

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(FullPath, recursive: true);
}
