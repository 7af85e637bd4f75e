// SPDX-License-Identifier: MIT
namespace Tombolo.Testing;

/// <summary>Programs of the folder samples, where they are built: what a test's own folder holds is meant for the test's frameworks.</summary>
public static class Sample
{
    private static readonly string _framework = Path.GetFileName(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory));
    private static readonly string _configuration = Path.GetFileName(Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory))!);

    /// <summary>Starts a sample.</summary>
    /// <param name="folder">Its folder in samples, such as <c>store</c>.</param>
    /// <param name="arguments">Its role, and where.</param>
    public static Child Start(string folder, params IEnumerable<string> arguments) => new(RepositoryFile.PathOf(Path.Combine("samples", folder, "bin", _configuration, _framework, $"tombolo-{folder}-sample")), arguments);

    /// <summary>Starts a sample that serves, and waits until it says that it does.</summary>
    public static Child Serve(string folder, string place)
    {
        Child server = Start(folder, "serve", place);
        if (server.ReadLine()?.StartsWith("Serving", StringComparison.Ordinal) == true) return server;
        string errors = server.Errors;
        server.Dispose();
        throw new InvalidOperationException($"samples/{folder} does not serve: {errors}");
    }
}
