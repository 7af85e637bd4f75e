// SPDX-License-Identifier: MIT
using System.Reflection;

namespace Tombolo.Testing;

/// <summary>A file of this repository, found where the tests were built.</summary>
public static class RepositoryFile
{
    /// <summary>Its full path.</summary>
    public static string PathOf(string relative) => Path.Combine(
        typeof(RepositoryFile).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(data => data.Key == "RepositoryRoot").Value!, relative);
}
