// SPDX-License-Identifier: MIT
using Tombolo.Regions.Tests.Layout;
using Tombolo.Testing;

namespace Tombolo.Regions.Tests;

/// <summary>A folder of a test's own, with the options of a region server in it.</summary>
internal sealed class Place : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public static RegionLayout Phone { get; } = LayoutFileTests.Layout(
        LayoutFileTests.Region("hwcomposer", "\"region_size\": 65536", """, "managed_by": "fb_manager" """),
        LayoutFileTests.Region("input", "\"region_size\": 16384"),
        LayoutFileTests.Region("fb_manager", "\"region_size\": 8192"));

    public static string Keeper => Path.Combine(AppContext.BaseDirectory, "tombolo-keeper");

    public string Qemu => _folder["q"];
    public string Clients => _folder["c"];
    public string Folder => _folder.FullPath;

    public RegionServerOptions Options => new() { Layout = Phone, ClientSocket = Clients, Doorbell = new() { SocketPath = Qemu, MemoryName = "regions-test" } };

    public RegionClientOptions ClientOptions => new() { Socket = Clients, Timeout = TimeSpan.FromSeconds(30) };

    public RegionClient Open(string name = "input") => RegionClient.Open(name, ClientOptions);

    public string[] Files() => [.. Directory.GetFileSystemEntries(Folder).Select(path => Path.GetFileName(path)!).Order()];

    public void Dispose() => _folder.Dispose();
}
