// SPDX-License-Identifier: MIT
namespace Tombolo.Ivshmem.Tests.Server;

/// <summary>A folder of a test's own, with the options of a server in it.</summary>
internal sealed class Place : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("tombolo-").FullName;

    public string Socket => Path.Combine(_folder, "s");

    public static string Keeper => Path.Combine(AppContext.BaseDirectory, "tombolo-keeper");

    public DoorbellServerOptions Options => new() { SocketPath = Socket, SizeBytes = 1 << 16, Vectors = 2, MaxPeers = 8 };

    public string[] Files() => [.. Directory.GetFileSystemEntries(_folder).Select(path => Path.GetFileName(path)!).Order()];

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
