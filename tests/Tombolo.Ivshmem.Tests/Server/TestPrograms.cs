// SPDX-License-Identifier: MIT
namespace Tombolo.Ivshmem.Tests.Server;

/// <summary>Where the programs that tests start are.</summary>
internal static class TestPrograms
{
    public static string Server => Path.Combine(AppContext.BaseDirectory, "tombolo-test-server");
}

/// <summary>Tests that count this process's open files run alone.</summary>
[CollectionDefinition("counts open files", DisableParallelization = true)]
public sealed class CountsOpenFiles;
