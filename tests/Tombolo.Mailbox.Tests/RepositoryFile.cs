// SPDX-License-Identifier: MIT
using System.Reflection;

namespace Tombolo.Mailbox.Tests;

/// <summary>A file of this repository, found where the tests were built.</summary>
internal static class RepositoryFile
{
    public static string PathOf(string relative) => Path.Combine(
        typeof(RepositoryFile).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(data => data.Key == "RepositoryRoot").Value!, relative);
}
